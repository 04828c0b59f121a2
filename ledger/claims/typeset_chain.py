r"""The formulas of "The chain" in TeX: the law of SGLD at a finite step, which is in no primer (see `typeset`).

Step ε = e/t, a_i = 1 − eλ_i/2, u_i = eλ_i; G and N are the covariance and the third cumulant of the gradient's noise.
"""

from collections.abc import Mapping

CHAIN: Mapping[str, tuple[str, ...]] = {
    "chain S": (
        r"\varepsilon = e/t: \qquad t \operatorname{Cov} w \to S, \qquad "
        r"S_{ij} = \frac{e\,\delta_{ij} + (e^2/4)\,G_{ij}}{1 - a_i a_j}, \qquad a_i = 1 - \frac{e\lambda_i}{2}",
        r"\text{full batch: } S_{ii} = \frac{1}{\lambda_i(1 - e\lambda_i/4)}, \qquad "
        r"t \operatorname{Cov}(\varphi, \psi) \to a^{\top} S b",
    ),
    "chain Lem 18": (
        r"t(E\psi - \psi^*) \to \frac12\bigl[\operatorname{tr}(BS) - b\cdot H^{-1}(T{:}S)\bigr]",
        r"t\,E(w - w^*) \to m, \qquad m_i = -\frac12\,\frac{(T{:}S)_i}{\lambda_i}",
    ),
    "chain K": (
        r"t^2 \kappa_3(w) \to K, \qquad K_{ijk}(1 - a_i a_j a_k) = "
        r"-\frac{e}{2}\sum_{\text{cyc}} T_{ipq}\,S_{pj} a_j\,S_{qk} a_k "
        r"+ \frac{e^2}{4}\sum_{\text{cyc}} G'_{jk,l}\,S_{li} a_i - \frac{e^3}{8} N_{ijk}",
        r"\text{full batch: } K_{ijk} = -\frac{T_{ijk}}{\lambda_i\lambda_j\lambda_k}\,\{1 + O(e^2)\}",
    ),
    "chain S₂": (
        r"\operatorname{Cov} w = \frac{S}{t} + \frac{S_2}{t^2} + O(t^{-3})",
        r"S_{2,ij}(1 - a_i a_j) = \operatorname{sym}\Bigl[-\frac{e}{4} a_i\,T_{jpq} K_{ipq} "
        r"- \frac{e}{2} a_i\,(T\cdot m + \tfrac12 Q{:}S + \gamma I)_{jp}\,S_{pi}\Bigr]",
        r"\qquad {} + \frac{e^2}{8}\,T_{ipq} T_{jrs} S_{pr} S_{qs} "
        r"+ \frac{e^2}{4}\bigl(G'_{ij}\cdot m + \tfrac12 G''_{ij}{:}S\bigr)",
        r"[t^{-2}]\operatorname{Cov}(\varphi, \psi) = R(\varphi, \psi) + R(\psi, \varphi) - "
        r"\tfrac12\operatorname{tr}(ASBS) + a^{\top} S_2\,b, \qquad R \text{ as in Lemma 25}",
    ),
    "chain Lem 25": (
        r"D\varphi(w^*) = 0: \qquad t^2 \operatorname{Cov}(\varphi, \psi) \to \frac12\operatorname{tr}(ASBS) "
        r"+ \frac12(Sb)\cdot(\Phi{:}S) + \frac12 A_{ij} K_{ijk} b_k - \frac12(T{:}S)^{\top} H^{-1} A S b",
    ),
    "chain Ex 27": (
        r"t^2 \operatorname{Cov}(L, \psi) \to \frac12\operatorname{tr}(HSBS) + \frac12\sum_{ij} \lambda_i K_{iij} b_j "
        r"= \text{Laplace} + \frac{e}{4}\operatorname{tr} B + O(e^2)",
    ),
    "chain LLC": (
        r"t\,E[L - L^*] = l_0 + \frac{l_1}{t} + O(t^{-2}), \qquad l_0 = \frac12\operatorname{tr}(HS)",
        r"l_1 = \frac12\operatorname{tr}(HS_2) - \frac18(T{:}S)\cdot H^{-1}(T{:}S) "
        r"+ \frac16\,T \therefore K + \frac18\,Q{::}(S, S)",
        r"\text{full batch: } l_0 = \frac12 \sum_i \frac{1}{1 - e\lambda_i/4}; \qquad "
        r"\gamma = 0: \ l_1 \text{ has no term of order } e",
    ),
    "chain minibatch": (
        r"B = t/b \text{ drawn with replacement: the same } S, \ K, \text{ Lemma 25 and LLC with}",
        r"G = b\operatorname{Cov}(\nabla\ell_z), \qquad "
        r"N = b^2 \kappa_3(\nabla\ell_z)",
    ),
    "chain lags": (
        r"t \operatorname{Cov}\bigl(f(w_k), g(w_0)\bigr) \to \sum_{ij} a_i^k f_i\,S_{ij}\,g_j",
        r"Df = Dg = 0: \qquad t^2 \operatorname{Cov}\bigl(f(w_k), g(w_0)\bigr) \to "
        r"\frac12 \sum_{ij} A_{ij}(SBS)_{ij}\,a_i^k a_j^k",
    ),
    "chain SE": (
        r"CN \operatorname{SE}(\text{LLC})^2 \to \frac12 \sum_{ij} \lambda_i\lambda_j S_{ij}^2\,\tau(a_i^{2s}), \qquad "
        r"t\,CN \operatorname{SE}(b\cdot w)^2 \to \sum_{ij} b_i S_{ij} b_j\,\tau(a_i^s)",
        r"\tau(\rho) = \frac{1 + \rho}{1 - \rho}, \qquad \text{beyond: } -\frac{1}{N^2}\sum_k |k|\,c_k",
    ),
    "chain SE of covariances": (
        r"\operatorname{Var}\hat C = \frac{V}{CN}",
        r"\text{linear: } t^2 V \to \sum_{ij} \tau(a_i^s a_j^s)\,"
        r"\bigl[f_i(Sf)_i\,b_j(Sb)_j + f_i(Sb)_i\,b_j(Sf)_j\bigr]",
        r"D\varphi = 0: \quad t^3 V \to \frac12 \sum_{ijl} A_{ij}(SAS)_{ij}\,b_l(Sb)_l\,\tau(a_i^s a_j^s a_l^s) "
        r"+ \sum_j (ASb)_j(SASb)_j\,\tau(a_j^s)",
        r"\qquad {} + \sum_{ijp} (Sb)_i A_{ij}(SAS)_{jp}\,b_p\,\tau(a_i^s a_j^s a_p^s)",
    ),
    "chain burn-in": (r"w_0 = w^*: \qquad t\,E[L(w_k) - L^*] \to \frac12 \sum_i \lambda_i S_{ii}\,(1 - a_i^{2k})",),
    "chain identities": (
        r"E\,\hat g = 0, \qquad E\bigl[(w - w^*)\cdot\hat g\bigr] = d + \frac{\varepsilon}{4}\,E|\hat g|^2",
    ),
    "chain first order in ε": (
        r"E_{\varepsilon}\varphi = \langle\varphi\rangle + \frac{\varepsilon}{8}\bigl[\langle\Delta\varphi\rangle "
        r"- \operatorname{Cov}(\varphi, \Delta U)\bigr] + O(\varepsilon^2)",
        r"\operatorname{Cov}_{\varepsilon}(\varphi, \psi) = \operatorname{Cov}(\varphi, \psi) "
        r"+ \frac{\varepsilon}{4}\langle\nabla\varphi\cdot\nabla\psi\rangle",
        r"\qquad {} + \frac{\varepsilon}{8}\bigl[\operatorname{Cov}(\Delta\varphi, \psi) "
        r"+ \operatorname{Cov}(\varphi, \Delta\psi)\bigr] "
        r"- \frac{\varepsilon}{8}\,\kappa_3(\varphi, \psi, \Delta U) + O(\varepsilon^2)",
    ),
    "chain preconditioner": (
        r"w' = w - \frac{\varepsilon}{2} D g + \sqrt{\varepsilon}\,D^{1/2}\xi: \qquad "
        r"S_w = \Bigl(H - \frac{e}{4} HDH\Bigr)^{-1}",
        r"m_w = -\frac12 H^{-1}(T{:}S_w), \qquad l_0 = \frac12\operatorname{tr}(HS_w), \qquad "
        r"\text{stable iff } e\,\lambda_{\max}(DH) < 4",
        r"\text{the plain chain for } U(D^{1/2} v)",
    ),
    "chain any order": (
        r"\text{the law to any order in } 1/t, \quad\text{at } e \to 0 \text{ the posterior's}",
        r"\frac{\text{estimate} - \text{law}}{\operatorname{SE}} \sim N(0, 1), \qquad "
        r"\operatorname{SE} \text{ predicted beforehand}",
    ),
}
