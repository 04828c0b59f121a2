r"""The formulas of the claims in TeX: what a page shows in place of the plain statement's one line.

    FORMULAS    claim id → the displayed formulas of its statement, in the order in which the statement makes them

Each entry says what `Claim.statement` says and no more; hypotheses stand before the formula that needs them. The letters are
the primer's: φ, ψ observables (φ also the prior density, in Z and in Π), a = Dφ, A = D²φ, Φ = D³φ, b = Dψ, B = D²ψ,
H = D²L(w*), Σ = H⁻¹, T = D³L(w*), Q = D⁴L(w*), t = nβ; hats are estimates, stars minima. The commands are those of LaTeX with
amsmath, so that a line can be copied into a paper.

Source: Elliott and Murfet, *Susceptibilities and Patterning: A Primer on Linear Response in Bayesian Learning*
(arXiv 2605.07980); entries of "The chain" and those marked "Beyond" are Threefold's own.
"""

from collections.abc import Mapping

from ledger.claims.typeset_chain import CHAIN

_SECTION_2: Mapping[str, tuple[str, ...]] = {
    "eq 1": (r"p_{\beta}(x) = \frac{e^{-\beta H(x)}}{Z(\beta)}, \qquad \langle H\rangle = -\partial_{\beta} \log Z",),
    "eq 2": (
        r"H = -J \sum_{\langle ij\rangle} s_i s_j, \qquad H(\uparrow\cdots\uparrow) = H(\downarrow\cdots\downarrow) = "
        r"-J \cdot (\text{number of bonds}), \text{ least}",
    ),
    "Fig 1": (
        r"\langle|M|\rangle \text{ passes from disorder to order as } \beta \text{ grows}, \qquad "
        r"\beta_c = \frac12 \ln(1 + \sqrt{2}) \text{ on the infinite lattice}",
        r"\langle M\rangle = 0 \text{ at every } \beta \text{ on a finite lattice without field}",
    ),
    "eq 3": (r"H + hA: \qquad \frac{d\langle O\rangle}{dh} = -\beta \operatorname{Cov}(O, A)",),
    "eq 4": (r"H - h s_p: \qquad \frac{d\langle M_R\rangle}{dh} = +\beta \operatorname{Cov}(M_R, s_p)",),
    "§2.5": (
        r"\frac{\operatorname{Cov}(s_p, M_{\text{left}})}{\operatorname{Cov}(s_p, M_{\text{right}})} "
        r"\text{ peaks above } 25 \text{ at intermediate } \beta \text{ and falls toward } 1 \text{ near } \beta_c",
    ),
    "§2.6": (
        r"R_{pr} = \operatorname{Cov}(s_p, M_r), \quad \beta \approx \beta_c: \qquad "
        r"\operatorname{argmax}_r R_{pr} \text{ is the region of } p",
        r"p \in A \text{ above: } R_{pB} \gg R_{pC}, \quad\text{below: } R_{pC} \gg R_{pB}; \qquad "
        r"B \text{ and } C \text{ couple through } A \text{ alone}",
    ),
}

_SECTION_3: Mapping[str, tuple[str, ...]] = {
    "Def 5": (
        r"\Pi_n(w) \propto e^{-n\beta L_n(w)}\,\varphi(w) = \varphi(w) \prod_{i=1}^{n} p(z_i \mid w)^{\beta}",
        r"\Pi(w) \propto e^{-n\beta L(w)}\,\varphi(w)",
    ),
    "Def 9": (
        r"\mu_j(q) = \langle\varphi_j\rangle, \qquad \int\delta = 0:\quad "
        r"\frac{d\mu}{dh} = -n\beta\,\operatorname{Cov}(\varphi, L^{\delta}), \quad L_h = L + h L^{\delta}",
        r"\int\delta = m:\quad n\beta \mapsto n\beta(1 + hm), \qquad "
        r"\frac{q + h\delta}{1 + hm} \text{ has the direction } L^{\delta} - mL",
    ),
    "Thm 11": (
        r"\chi(\varphi; \Delta L) = \frac{1}{n\beta} \left.\frac{d}{dh}\langle\varphi\rangle_h\right|_{h=0} "
        r"= -\operatorname{Cov}(\varphi, \Delta L)",
    ),
    "Thm 11, covariances": (
        r"\frac{d}{dh}\,\kappa(\varphi_1, \ldots, \varphi_m) = -n\beta\,\kappa(\varphi_1, \ldots, \varphi_m, \Delta L)",
        r"\frac{d}{dh}\operatorname{Cov}(\varphi, \psi) = -n\beta\,\kappa_3(\varphi, \psi, \Delta L), \qquad "
        r"\frac{d^2}{dh^2}\langle\varphi\rangle = (n\beta)^2\,\kappa_3(\varphi, \Delta L, \Delta L)",
    ),
    "Def 12": (
        r"\chi_z(\varphi) = -\operatorname{Cov}(\varphi, \ell_z - L), \qquad \mathbb{E}_{z \sim q}\,\chi_z = 0",
    ),
    "eq 9": (
        r"\chi(\varphi; q') = \int q'(z)\,\chi_z(\varphi)\,dz, \qquad \chi(\varphi; \delta_z) = \chi_z(\varphi)",
        r"\int \delta(z)\,\chi_z(\varphi)\,dz \text{ for signed } \delta \text{ of any mass: "
        r"the response along the normalised path}",
    ),
    "Def 13": (
        r"I_{xz} = \chi_z(\Delta\ell_x) = -\operatorname{Cov}(\ell_x - L, \ell_z - L)",
        r"I = I^{\top}, \qquad \mathbb{E}_{x \sim q}\,I_{xz} = \mathbb{E}_{z \sim q}\,I_{xz} = 0",
        r"\text{query not centred:}\quad I + 1\,\chi(L)^{\top}",
    ),
    "§3.5": (
        r"n\beta\,\langle L - L(w^*)\rangle = -\frac{\partial \log Z}{\partial \log n\beta}, \qquad "
        r"Z = \int e^{-n\beta(L - L(w^*))}\,\varphi\,dw",
        r"n\beta\,\langle L - L(w^*)\rangle \to \frac{d}{2} \text{ at a regular minimum}",
    ),
    "Def 14": (
        r"\varphi_C(w) = \delta(u - u^*)\,[L(w) - L(w^*)]",
        r"\langle\varphi_C\rangle = \frac{Z_C}{Z}\,\langle L(u^*, \cdot) - L(w^*)\rangle_C = "
        r"\lim_{\sigma \to 0}\,\langle N_{\sigma}(u - u^*)\,[L(w) - L(w^*)]\rangle, "
        r"\quad N_{\sigma} \text{ the Gaussian of width } \sigma",
    ),
    "Def 16": (
        r"X_{C,z} = \chi_z(\varphi_C), \qquad \mathbb{E}_{z \sim q}\,X_{C,z} = 0",
        r"d\langle\varphi_C\rangle = n\beta \sum_z X_{C,z}\,dq_z",
    ),
    "Cor 23, localised": (
        r"e^{-tL - \frac{\gamma}{2}|w - w^*|^2},\ \gamma = g\,t: \qquad "
        r"t\,\chi \to -D\varphi^{\top}(H + g I)^{-1} D\Delta L",
        r"\gamma \text{ fixed:}\quad \text{the damping is of order } t^{-2}",
    ),
}

_SECTION_4_REGULAR: Mapping[str, tuple[str, ...]] = {
    "eq 11": (r"Z = e^{-tL(w^*)} \left(\frac{2\pi}{t}\right)^{d/2} \det(H)^{-1/2}\,\bigl(1 + O(1/t)\bigr)",),
    "Lem 18": (
        r"\varphi(w^*) = 0 \;\Rightarrow\; \langle\varphi\rangle = "
        r"\frac{1}{2t}\bigl[\operatorname{tr}(A\Sigma) - (\Sigma a)\cdot(T{:}\Sigma)\bigr] + O(t^{-2})",
    ),
    "Ex 19": (
        r"L = \frac{\lambda}{2}x^2 + \frac{\alpha}{6}x^3 + \frac{\gamma}{24}x^4, \qquad \alpha^2 < 3\lambda\gamma",
        r"t\langle x\rangle \to -\frac{\alpha}{2\lambda^2}, \qquad t\langle x^2\rangle \to \frac{1}{\lambda}, \qquad "
        r"t\langle L - L(w^*)\rangle \to \frac{d}{2}",
    ),
    "Lem 20": (
        r"\varphi(w^*) = \psi(w^*) = 0 \;\Rightarrow\; \operatorname{Cov}(\varphi, \psi) = "
        r"\frac{1}{t}\,a^{\top}\Sigma b + O(t^{-2})",
        r"t \operatorname{Cov}(x, x) \to \frac{1}{\lambda}",
    ),
    "eq 16": (
        r"\text{eigenbasis of } H: \qquad \operatorname{Cov}(\varphi, \psi) = "
        r"\frac{1}{t} \sum_i \frac{a_i b_i}{\lambda_i} + O(t^{-2})",
    ),
    "Cor 23": (
        r"\chi(\varphi; \Delta L) = \frac{1}{t}\,\operatorname{IF}(\varphi, \Delta L) + O(t^{-2})",
        r"\operatorname{IF}(\varphi, \Delta L) = -D\varphi^{\top} H^{-1} D\Delta L",
    ),
    "Ex 24": (
        r"\chi_z(\varphi) = -\frac{1}{t} \sum_i \frac{(\partial_i\varphi)(\partial_i\ell_z)}{\lambda_i} + O(t^{-2}), "
        r"\qquad DL(w^*) = 0",
    ),
    "Lem 25": (
        r"D\varphi(w^*) = 0 \;\Rightarrow\; t^2 \operatorname{Cov}(\varphi, \psi) = "
        r"\frac12\operatorname{tr}(A\Sigma B\Sigma) + \frac12(\Sigma b)\cdot(\Phi{:}\Sigma)",
        r"\qquad {} - \frac12\,b^{\top}\Sigma A\Sigma(T{:}\Sigma) "
        r"- \frac12(\Sigma b)\cdot\bigl(T{:}(\Sigma A\Sigma)\bigr) + O(1/t)",
    ),
    "Ex 26": (
        r"d = 1: \qquad t^2 \operatorname{Cov}(x^2, x) \to -\frac{2\alpha}{\lambda^3}, \qquad "
        r"t^2 \kappa_3(x, x, x) \to -\frac{\alpha}{\lambda^3}",
        r"t\,\frac{d}{dh}\operatorname{Cov}_h(x, x) \to \frac{\alpha}{\lambda^3} \quad\text{for } L + hx",
    ),
    "Ex 27": (
        r"\varphi = L - L(w^*): \qquad t^2 \operatorname{Cov}(L, \psi) \to "
        r"\frac12\operatorname{tr}(B\Sigma) - \frac12(\Sigma b)\cdot(T{:}\Sigma)",
        r"\operatorname{Cov}(L, \psi) = -\frac{d\langle\psi\rangle}{dt} \quad\text{at every } t",
    ),
    "Ex 27, text": (
        r"L \text{ quadratic},\ T = 0: \qquad t^2 \chi_z(L) \to "
        r"-\frac12\bigl(\operatorname{tr}(\Sigma D^2\ell_z) - d\bigr)",
        r"\mathbb{E}_{z \sim q}\bigl[-\tfrac12\bigl(\operatorname{tr}(\Sigma D^2\ell_z) - d\bigr)\bigr] = 0",
    ),
}

_SECTION_4_SINGULAR: Mapping[str, tuple[str, ...]] = {
    "eq 23": (
        r"n\beta\langle K\rangle \to \lambda, \qquad n\beta\langle K\rangle = \lambda - \frac{m - 1}{\log t} + \cdots",
        r"K = x^{2a} y^{2b}: \qquad \lambda = \min\left(\frac{1}{2a}, \frac{1}{2b}\right)",
    ),
    "eq 24": (
        r"\zeta(z) = \int K^z \varphi\,dw \text{ has its largest pole at } z = -\lambda, \text{ of order } m",
        r"\lambda = \min_i \frac{h_i + 1}{\kappa_i}, \qquad "
        r"m = \text{the number of divisors with this value that meet}",
        r"Z(t) \sim C\,t^{-\lambda} (\log t)^{m-1}, \qquad "
        r"V(\varepsilon) \sim c\,\varepsilon^{\lambda} (-\log\varepsilon)^{m-1}",
    ),
    "separable law": (
        r"K = \sum_i \frac{x_i^{2k_i}}{(2k_i)!}, \qquad t\langle K\rangle = \sum_i \frac{1}{2k_i} \text{ at every } t",
        r"\Bigl\langle \prod_i x_i^{2j_i} \Bigr\rangle = \prod_i \bigl((2k_i)!\bigr)^{j_i/k_i}\, "
        r"\frac{\Gamma\bigl((2j_i + 1)/2k_i\bigr)}{\Gamma(1/2k_i)}\; t^{-\sum_i j_i/k_i}",
    ),
    "Lem 20′": (
        r"f, f' = O(\sqrt{K}): \qquad t \operatorname{Cov}(f, f') \to "
        r"\lambda\,E_{\mu}[aa'] - c_{\lambda}^2\,E_{\mu}[sa]\,E_{\mu}[sa']",
        r"\lambda\,E_{\mu}[aa'] = \lambda \lim_{z \to -\lambda} \frac{\int K^{z-1} f f' \varphi}{\int K^z \varphi}, "
        r"\qquad E_{\mu}[sa] = \lim_{z \to -\lambda} \frac{\int K^{z-1/2} f \varphi}{\int K^z \varphi}",
        r"c_{\lambda} = \frac{\Gamma(\lambda + \frac12)}{\Gamma(\lambda)}; \qquad "
        r"\text{at a nondegenerate minimum the limit is } a^{\top}\Sigma b",
    ),
    "LLC susceptibility": (
        r"\operatorname{Cov}(K, f) = -\frac{d\langle f\rangle}{dt}",
        r"\operatorname{Cov}(K, f) \sim \tfrac12\,c_{\lambda}\,E_{\mu}[sa]\,t^{-3/2} "
        r"\ \text{ if } E_{\mu}[sa] \neq 0, \quad\text{else } \lambda\,E_{\mu}[f_+/K]\,t^{-2}",
        r"\text{or between: } K = x^{2k},\ f = x^k(1 + x): \quad "
        r"\nu\,\frac{\Gamma(\lambda + \nu)}{\Gamma(\lambda)}\,t^{-1-\nu}, \quad \nu = \frac{k + 1}{2k}",
    ),
    "Lem 25′": (
        r"f = s\sqrt{K}\,a: \qquad t^{3/2} \operatorname{Cov}(KA, f) \to "
        r"\frac{\Gamma(\lambda + 3/2)}{\Gamma(\lambda)}\,E_{\mu}[sAa] - \lambda\,c_{\lambda}\,E_{\mu}[A]\,E_{\mu}[sa]",
        r"\text{where the sign means vanish: } \operatorname{Cov}(KA, f) \text{ is of order } t^{-2}",
        r"K = x^2 y^2, \ A = A_0 + \beta xy, \ f = xy(a_0 + \alpha xy): \qquad t^2 \operatorname{Cov}(KA, f) \to "
        r"\lambda(\lambda + 1)(\alpha A_0 + \beta a_0) - \lambda^2 A_0 \alpha",
    ),
    "covariance rule": (
        r"(\lambda_{fg} + \lambda,\ m_{fg} + m) \quad\text{against}\quad (\lambda_f + \lambda_g,\ m_f + m_g)",
        r"\text{smaller first entry, then larger second:}\quad "
        r"\operatorname{Cov}(f, g) \sim \langle fg\rangle,\quad -\langle f\rangle\langle g\rangle,\quad\text{or their sum}",
        r"K = x^2 y^2: \qquad \operatorname{Cov}(x, y) \sim -\frac{4}{(\log t)^2}",
    ),
    "§4.2.1": (
        r"p(\cdot \mid w) \text{ is the same for all } w \in W_0 \;\Rightarrow\; "
        r"f_z = \ell_z - \ell_z(w^*) = 0 \text{ on } W_0",
        r"\operatorname{Cov}(f_z, f_{z'}) = O(1/t), \qquad\text{without it: } "
        r"\operatorname{Cov}(f_z, f_{z'}) \to \operatorname{Cov}_{W_0}(f_z, f_{z'})",
        r"W_0 = \text{the minimum set of } L",
    ),
    "eq 22": (
        r"K = \frac12 \sum_i \lambda_i x_i^2 + g(y), \qquad g \text{ without 2-jet}, \qquad "
        r"g = K \text{ on the ridge } \partial_x K = 0",
        r"\lambda(K) = \frac{r}{2} + \lambda(g)",
    ),
    "§4.2.2": (
        r"\varphi_C = K|_C, \qquad n\beta\,\langle\varphi_C\rangle_C \to \lambda_C = \lambda(K|_C)",
        r"\text{in general neither } \lambda_C \le \lambda \text{ nor } \lambda_C \ge \lambda",
    ),
    "slices": (
        r"\frac{Z_C}{Z} \sim C\,t^{\lambda - \lambda_C} (\log t)^{m_C - m} "
        r"\quad\text{for a slice } u = u^* \text{ of a normal crossing}",
        r"\text{eq 34: the baseline } \langle K\rangle_C\,\langle f\rangle \text{ can be of the order of } "
        r"-\langle Kf\rangle_C, \text{ or dominate it}",
        r"K = x^2 y^4,\ y = y^*: \qquad t^{-3/2} \text{ against } t^{-2}",
    ),
    "DLN": (
        r"\lambda = \frac{r(H_0 + H_L) - r^2}{2} + \frac{a(\ell - a)}{4\ell} "
        r"- \frac{\ell(\ell - 1)}{4}\left(\frac{\Sigma_S}{\ell}\right)^{2} + \frac12 \sum_{i<j \in S} M_i M_j",
        r"m = a(\ell - a) + 1",
        r"M_s = H_s - r, \qquad M = \lceil \Sigma_S/\ell \rceil, \qquad a = \Sigma_S - (M - 1)\ell",
    ),
    "§4.2.3": (
        r"F_n = n L_n(w^*) + \lambda \log n - (m - 1)\log\log n + O_p(1)",
        r"\operatorname{WBIC} = \langle n L_n\rangle_{\beta = 1/\log n} = "
        r"n L_n(w^*) + \lambda\log n + O_p(\sqrt{\log n})",
        r"\mathbb{E}[G_n] = \frac{\lambda}{n} + o(1/n)",
    ),
}

_SECTION_5: Mapping[str, tuple[str, ...]] = {
    "eq 25": (
        r"q \mapsto \mu(q) = (\langle\varphi_j\rangle)_j, \qquad "
        r"d\mu = n\beta\,X\,dq \quad\text{for } \textstyle\sum dq = 0",
    ),
    "eq 27": (r"X = U S V^{\top}, \qquad n\beta\,X v_{\alpha} = n\beta\,s_{\alpha}\,u_{\alpha}",),
    "eq 28": (
        r"dq = \frac{1}{n\beta}\,X^{+} d\mu = "
        r"\frac{1}{n\beta} \sum_{\alpha} s_{\alpha}^{-1}\,\langle u_{\alpha}, d\mu\rangle\,v_{\alpha}",
        r"\text{the solution of least norm of } \min_{dq}\,\lVert n\beta\,X\,dq - d\mu \rVert",
    ),
}

_SECTION_6: Mapping[str, tuple[str, ...]] = {
    "eq 31": (
        r"\hat\chi_z(\varphi) = -\operatorname{Cov}_n(\varphi, \ell_z - L_n) \quad"
        r"\text{is the response of } \Pi_n \text{ to mass moved from the data set to } z",
        r"\sum_{i=1}^{n} \hat\chi_{z_i}(\varphi) = 0",
    ),
    "eq 33": (
        r"\left.\frac{\partial\langle\varphi\rangle_{\rho}}{\partial\rho_i}\right|_{\rho = 1} = "
        r"-\beta \operatorname{Cov}_n(\varphi, \ell_{z_i})",
        r"\rho_j = (1 - h) + n h\,\delta_{ij}: \qquad "
        r"\frac{1}{n\beta}\left.\frac{d}{dh}\langle\varphi\rangle\right|_{h=0} = \hat\chi_{z_i}(\varphi)",
    ),
    "Def 31": (
        r"K(z, z') = \operatorname{Cov}\bigl(f(z, \cdot), f(z', \cdot)\bigr) = \operatorname{Cov}(\ell_z, \ell_{z'})",
        r"\operatorname{BIF} = -K, \qquad I = -P K P^{\top}, \qquad "
        r"\chi\bigl(\textstyle\int\nu\,\ell;\ \delta\bigr) = -\iint \nu K \delta",
    ),
    "§6.2.2": (
        r"\mathbb{E}\,\hat\chi_z = \chi_z + \frac{B_z}{n} + O(n^{-2}) \quad\text{at fixed } t = n\beta",
        r"B_z = -\frac12\,\mathbb{E}_x\bigl[t^2 \kappa_4(\varphi, \Delta\ell_z, \Delta\ell_x, \Delta\ell_x) "
        r"+ 2t\,\kappa_3(\varphi, \Delta\ell_x, \Delta\ell_x)\bigr]",
        r"D\varphi(w^*) = 0: \quad \text{relative bias of order } \beta, \quad "
        r"\text{relative spread of order } \beta\sqrt{n}",
    ),
    "eq 34": (
        r"\langle\varphi_C\rangle = \frac{Z_C}{Z}\,\langle g\rangle_C",
        r"\chi_z(\varphi_C) = -\frac{Z_C}{Z}\,\bigl\{\langle g\,(\ell_z - L)\rangle_C "
        r"- \langle g\rangle_C\,\langle\ell_z - L\rangle_{\text{full}}\bigr\}",
    ),
    "§6.3.2": (
        r"Y_{C,z} = \frac{X_{C,z} - \operatorname{mean}_z X_C}{\operatorname{sd}_z X_C}, \qquad "
        r"Y_{C,z} - \operatorname{mean}_C Y_{\cdot,z}",
        r"\text{unchanged by}\quad X_C \mapsto c_C X_C + s_C, \quad c_C > 0: \quad Z_C/Z \text{ is removed}",
        r"X_{C,z} - \operatorname{mean}_z X_C \quad\text{alone keeps } Z_C/Z",
    ),
    "§6.4": (
        r"\varepsilon \to 0: \qquad v \sim \exp\Bigl\{-n\beta L_n - \frac{\gamma}{2}|w - w^*|^2\Bigr\} "
        r"\text{ on } C, \quad u \text{ clamped}",
        r"\varepsilon = e/t: \quad \text{the law of the discrete chain, order by order}",
        r"E\bigl[(v - v^*)\cdot\hat g\bigr] = d + \frac{\varepsilon}{4}\,E|\hat g|^2",
    ),
    "eq 35": (
        r"\rho_j = 1 + \alpha s_j, \quad \sum_j s_j = 0: \qquad d\mu = \alpha\beta\,\hat X s",
        r"\alpha s = \frac{1}{\beta}\,\hat X^{+} d\mu \quad\text{realises } d\mu; \quad "
        r"\text{weights divided by their mean do the same}",
    ),
    "§6.5.1": (r"s = \hat X^{+} d\mu: \qquad \sum_j s_j\,\langle x_j, d\mu\rangle = |d\mu|^2",),
    "Rem 32": (
        r"\text{linear for small } \alpha; \quad\text{next order:}\quad "
        r"\frac{(\alpha\beta)^2}{2}\,\kappa_3(\varphi, \ell_s, \ell_s)",
        r"\text{a shuffled } s \text{ keeps its mean}",
    ),
    "§6.5.2": (
        r"(X^{\top}X + \eta)^{-1} X^{\top}: \qquad \text{factors } \frac{\sigma}{\sigma^2 + \eta}, \quad "
        r"\text{norm} \le \frac{1}{2\sqrt{\eta}}, \quad \text{relative bias } \frac{\eta}{\sigma^2 + \eta}",
        r"\text{analytic in } X, \quad\text{while } X^{+} \text{ jumps with the rank}",
    ),
    "§6.5.2, noise": (
        r"E[\hat X^{+}] - X^{+} = -(n - k - 1)\,v\,X^{\top}(XX^{\top})^{-2} + O(v^2) "
        r"\quad\text{for independent noise}",
    ),
}

_APPENDIX_A: Mapping[str, tuple[str, ...]] = {
    "Lem 33": (
        r"D\varphi(w^*) = 0, \quad \varphi(w^*) = \psi(w^*) = 0 \;\Rightarrow",
        r"\langle\varphi\psi\rangle = t^{-2}\bigl\{E[\varphi_2\psi_2] + E[\varphi_3\psi_1] "
        r"- E[\varphi_2\psi_1 L_3]\bigr\} + O(t^{-3}), \qquad E \text{ over } N(0, \Sigma)",
    ),
    "App A, all orders": (
        r"[t^{-k}]\;\kappa(\varphi_1, \ldots, \varphi_m) = \sum_{G:\ E - V = k} "
        r"\frac{(-1)^V}{|\operatorname{Aut} G|}\,G(\varphi_1, \ldots, \varphi_m)",
        r"G \text{ connected, } m \text{ marked vertices, } V \text{ loss vertices of valence} \ge 3, "
        r"\text{ prior vertices of valence} \ge 1",
    ),
    "App A, κ₃": (
        r"t^2 \kappa_3(\varphi, \psi, \chi) \to a^{\top}\Sigma C\Sigma b + a^{\top}\Sigma B\Sigma c "
        r"+ b^{\top}\Sigma A\Sigma c - T(\Sigma a, \Sigma b, \Sigma c)",
    ),
    "App A, κ₄": (
        r"t^3 \kappa_4 \to \sum_{\text{3 pairings}} (T\cdot\Sigma a\cdot\Sigma b)^{\top}\,\Sigma\, "
        r"(T\cdot\Sigma c\cdot\Sigma d) - Q(\Sigma a, \Sigma b, \Sigma c, \Sigma d)",
        r"\text{linear observables}",
    ),
    "App A, prior": (
        r"p = D\log\text{prior}: \qquad t\langle\varphi\rangle \text{ gains } a^{\top}\Sigma p \ (\text{eq 12})",
        r"t^2 \operatorname{Cov}(\varphi, \psi) \text{ gains } b^{\top}\Sigma A\Sigma p \ (\text{eq 19},\ D\varphi = 0)",
    ),
}

FORMULAS: Mapping[str, tuple[str, ...]] = {
    **_SECTION_2,
    **_SECTION_3,
    **_SECTION_4_REGULAR,
    **_SECTION_4_SINGULAR,
    **_SECTION_5,
    **_SECTION_6,
    **_APPENDIX_A,
    **CHAIN,
}
