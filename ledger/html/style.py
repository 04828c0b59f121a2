"""The look of a page: two palettes and one style sheet, no font, picture or script from elsewhere.

`LIGHT` and `DARK` name the same colours; every text colour has a contrast of at least 4.5 with every ground it may stand
on (WCAG 2.2, 1.4.3), which a test computes from these tables. The sheet serves a wide screen (contents on the left), a phone
(contents in a bar above, each row of the table becomes a block), and paper (the evidence is unfolded, in the light
palette; the numbers that only the JSON needs are left out).

Names: `LIGHT`, `DARK`, `TEXTS`, `GROUNDS`, `SHEET`.
"""

from collections.abc import Mapping

LIGHT: Mapping[str, str] = {
    "paper": "#fbfbf9",
    "card": "#ffffff",
    "wash": "#f1f1ec",
    "ink": "#1b1e23",
    "soft": "#585f6b",
    "line": "#dcdcd6",
    "rule": "#7d838e",
    "link": "#1d5fae",
    "holds": "#17703f",
    "finding": "#8a5200",
    "open": "#4d5a6b",
    "refuted": "#b3202b",
}
DARK: Mapping[str, str] = {
    "paper": "#131518",
    "card": "#1a1d21",
    "wash": "#24282d",
    "ink": "#e8e8e4",
    "soft": "#a7aeb8",
    "line": "#353a41",
    "rule": "#7d8590",
    "link": "#8ab8ff",
    "holds": "#58cf95",
    "finding": "#e9b759",
    "open": "#aeb8c4",
    "refuted": "#ff8f8f",
}
TEXTS = ("ink", "soft", "link", "holds", "finding", "open", "refuted")
GROUNDS = ("paper", "card", "wash")


def _variables(palette: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in palette.items())


_COLOURS = (
    f":root {{ color-scheme: light dark; {_variables(LIGHT)} }}\n"
    f"@media (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}\n"
    f"@media print {{ :root {{ color-scheme: light; {_variables(LIGHT)} --paper: #ffffff; }} }}\n"
)

_TEXT = """
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif;
  overflow-wrap: anywhere; }
main { max-width: 66rem; margin: 0 auto; padding: 1.6rem 1.2rem 5rem; min-width: 0; }
h1 { font-size: 2rem; line-height: 1.2; letter-spacing: -.015em; margin: 0 0 .4rem; }
h2 { font-size: 1.3rem; margin: 3rem 0 .8rem; letter-spacing: -.005em; }
h3 { font-size: 1.05rem; margin: 0; } h4 { font-size: .85rem; margin: 1.1rem 0 .3rem; color: var(--soft); }
p { margin: .5rem 0; max-width: 50rem; }
a { color: var(--link); text-decoration-thickness: 1px; text-underline-offset: .15em; }
a.plain { color: inherit; text-decoration: none; } a.plain:hover { text-decoration: underline; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: .2rem; }
.skip { position: absolute; left: -99rem; } .skip:focus { left: .6rem; top: .6rem; z-index: 9; background: var(--card);
  padding: .4rem .8rem; border-radius: .3rem; }
.soft { color: var(--soft); } .note { font-size: .86rem; }
.holds { color: var(--holds); } .finding { color: var(--finding); } .open { color: var(--open); }
.refuted { color: var(--refuted); } .verdict { font-weight: 650; }
.counts { display: flex; flex-wrap: wrap; gap: .2rem 1.6rem; margin: .6rem 0 0; padding: 0; list-style: none; }
.share { display: flex; gap: 2px; height: .5rem; margin: 1rem 0 .6rem; max-width: 50rem; }
.share span { background: currentColor; border-radius: 2px; min-width: 4px; }
.statements { list-style: none; padding: 0; }
.statements li { margin: .4rem 0; padding-left: 1.4rem; text-indent: -1.4rem; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .1rem 1rem; font-size: .86rem; margin: .5rem 0; }
dt { color: var(--soft); max-width: 16rem; } dd { margin: 0; min-width: 0; }
pre { background: var(--wash); padding: .5rem; margin: 0; max-height: 16rem; overflow: auto; font-size: .78rem;
  border-radius: .3rem; }
"""

_TABLES = """
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9rem; overflow-wrap: normal; }
th, td { text-align: left; vertical-align: top; padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; font-size: .82rem; vertical-align: bottom; line-height: 1.3; }
td.name { white-space: nowrap; font-weight: 600; } td.number { white-space: nowrap; font-variant-numeric: tabular-nums; }
td.long { min-width: 11rem; overflow-wrap: anywhere; } .cut { max-height: 6.5rem; overflow: auto; }
.numbers table { font-size: .84rem; margin-bottom: .4rem; } td.mark, td.verdict { white-space: nowrap; }
tbody tr:hover { background: var(--wash); }
.overview td { vertical-align: middle; } .overview .statement { width: 99%; }
.overview .statement span { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden;
  line-height: 1.35; font-size: .84rem; color: var(--soft); overflow-wrap: anywhere; }
.mark { font-variant-numeric: tabular-nums; } .mark small { color: var(--soft); font-size: .78rem; }
.said { font-variant-numeric: tabular-nums; white-space: nowrap; }
"""

_CARDS = """
article { border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.2rem .3rem; margin: 1rem 0;
  background: var(--card); scroll-margin-top: 1rem; }
article:target, :target > article { border-color: var(--link); box-shadow: 0 0 0 1px var(--link); }
article header { display: flex; flex-wrap: wrap; gap: .1rem .8rem; align-items: baseline; }
article header .verdict { margin-left: auto; }
.anchors span { position: absolute; } .anchors { position: absolute; scroll-margin-top: 1rem; }
.formula { overflow-x: auto; overflow-y: hidden; margin: .5rem 0; padding: .15rem 0; max-width: 100%;
  background: linear-gradient(to left, var(--card) 40%, transparent) right / 3rem 100% no-repeat local,
    linear-gradient(to left, color-mix(in srgb, var(--ink) 22%, transparent), transparent) right / .9rem 100% no-repeat; }
math { font-family: "STIX Two Math", "Latin Modern Math", "Cambria Math", "Libertinus Math", "XITS Math",
  "TeX Gyre DejaVu Math", "DejaVu Math TeX Gyre", "Noto Sans Math", math; font-size: 1.12rem; }
math[display=block] { text-align: left; margin: .45rem 0; width: max-content; }
.words { color: var(--soft); font-size: .9rem; margin: .3rem 0 .8rem; }
.callout { border-left: 3px solid var(--finding); padding: .1rem 0 .1rem .9rem; margin: .7rem 0; }
.findings { list-style: none; padding: 0; margin: 0; }
.findings li { border-left: 3px solid currentColor; padding: .1rem 0 .1rem 1rem; margin: 1.1rem 0; }
.findings li > :not(.verdict) { color: var(--ink); } .findings .name { font-weight: 650; } .findings p { margin: .15rem 0; }
.layers { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 0 1.4rem;
  border-top: 1px solid var(--line); }
.layers > details { min-width: 0; padding: .55rem 0 .7rem; }
.layers > details[open] { grid-column: 1 / -1; border-top: 1px solid var(--line); }
.layers > details[open]:first-child { border-top: 0; }
summary { cursor: pointer; } summary::marker { color: var(--rule); } .layers summary b { font-weight: 650; }
.layers .summary { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden;
  color: var(--soft); font-size: .86rem; line-height: 1.4; }
.layers details[open] > summary .summary { display: block; }
.more { font-size: .86rem; margin: .6rem 0; }
figure { margin: .9rem 0; overflow-x: auto; min-width: 0; } figcaption { color: var(--soft); font-size: .88rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr)); gap: 0 1.6rem; }
.figures > .broad { grid-column: 1 / -1; } .plate { background: #ffffff; border-radius: .4rem; padding: .4rem; }
.plate svg, .plate figcaption { color: #202124; } .plate svg, .broad svg { max-width: 58rem; }
svg { width: 100%; height: auto; max-width: 46rem; display: block; font-family: inherit; }
figure svg { min-width: 22rem; }
svg * { stroke-linejoin: round; stroke-linecap: butt; }
svg.spark { display: inline-block; vertical-align: -.25em; min-width: 0; width: auto; height: 1.15rem; }
.spark .ground { fill: var(--wash); } .spark .line { stroke: var(--rule); } .spark .limit { stroke: var(--refuted); }
.spark .full { fill: var(--holds); } .spark .weak { fill: var(--finding); } .spark .bad { fill: var(--refuted); }
"""

_CONTENTS = """
nav { font-size: .86rem; line-height: 1.45; } nav h2 { display: none; }
nav ol { list-style: none; margin: 0; padding: 0; } nav a { color: inherit; text-decoration: none; }
nav a:hover { text-decoration: underline; } nav .claims a { white-space: nowrap; color: var(--soft); margin-right: .7rem; }
nav .claims a.finding, nav .claims a.refuted { font-weight: 650; }
nav .claims a.finding { color: var(--finding); } nav .claims a.refuted { color: var(--refuted); }
@media (min-width: 70rem) {
  body.contents { display: grid; grid-template-columns: 17rem minmax(0, 1fr); }
  nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.7rem 1rem 2rem 1.4rem;
    border-right: 1px solid var(--line); }
  nav > ol > li { margin-bottom: .75rem; } nav > ol > li > a { font-weight: 650; }
}
@media (max-width: 69.99rem) {
  html { scroll-padding-top: 3.4rem; } article, .anchors { scroll-margin-top: 3.4rem; }
  nav { position: sticky; top: 0; z-index: 5; background: var(--paper); border-bottom: 1px solid var(--line);
    overflow-x: auto; }
  nav > ol { display: flex; gap: 1.2rem; padding: .55rem 1rem; width: max-content; } nav .claims { display: none; }
}
@media (max-width: 46rem) {
  main { padding: 1rem .9rem 4rem; } h1 { font-size: 1.6rem; } article { padding: .8rem .8rem .2rem; }
  .layers { grid-template-columns: minmax(0, 1fr); } .layers > details + details { border-top: 1px solid var(--line); }
  .overview thead, .overview .statement { display: none; }
  .overview table, .overview tbody { display: block; }
  .overview tr { display: flex; flex-wrap: wrap; gap: .1rem 1rem; padding: .5rem 0; border-bottom: 1px solid var(--line); }
  .overview td { border: 0; padding: 0; } .overview td.name { order: -2; flex: 1 0 calc(100% - 6rem); white-space: normal; }
  .overview td.verdict { order: -1; flex: 0 0 5rem; text-align: right; } .overview .spark.power { display: none; }
  dl { grid-template-columns: minmax(0, 1fr); } dt { margin-top: .3rem; }
  math { font-size: 1.02rem; }
}
"""

_PRINT = """
@media print {
  body.contents { display: block; } nav, .skip { display: none; } main { max-width: none; padding: 0; }
  body { font-size: 10pt; } math { font-size: 11pt; }
  details::details-content { display: block; content-visibility: visible; block-size: auto; } .more { display: none; }
  .layers { display: block; } .layers .summary { display: block; } summary { list-style: none; }
  pre, .cut { max-height: none; overflow: visible; } pre { white-space: pre-wrap; } .wide, figure { overflow: visible; }
  .formula { overflow: visible; background: none; }
  article, figure, tr, dd { break-inside: auto; } svg, tr, .formula, .findings li { break-inside: avoid; }
  h2, h3, h4, summary, article header { break-after: avoid; } figure svg { max-width: 12cm; min-width: 0; }
  article { box-shadow: none; border-color: #bbbbbb; }
}
"""

SHEET = _COLOURS + _TEXT + _TABLES + _CARDS + _CONTENTS + _PRINT
