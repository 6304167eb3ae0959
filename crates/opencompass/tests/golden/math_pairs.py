"""Makes math_pairs.jsonl: pairs of formulas of our own with the verdicts of math-verify 0.9.0 (Apache-2.0).

    pip install math-verify==0.9.0
    python math_pairs.py > math_pairs.jsonl
"""
import json
from math_verify import parse, verify

# Expected formula: formulas that are equal to it, and formulas that are not.
FORMS = {
    r'\frac{3}{4}': [r'3/4', r'0.75', r'\dfrac{3}{4}', r'\frac34', r'\frac{6}{8}', r'75\%', r'x = \frac{3}{4}', r'\frac{3}{5}', r'-\frac{3}{4}', r'\frac{4}{3}', r'0.76'],
    r'12': ['12.0', '12.', r'\text{12}', r'2 \cdot 6', r'2^2 \cdot 3', r'\sqrt{144}', r'12 \text{ cm}', r'12^\circ', r'n = 12', r'\frac{24}{2}', '13', '-12', '1.2', r'12x', r'(12)', r'\{12\}', r'12 \text{ square units}', r'\boxed{12}', r'\$12', r'3!+6', r'\binom{12}{1}', r'|-12|'],
    r'1{,}234': ['1234', '1,234', r'1,\!234', '1.234', '12,34', '1235'],
    r'\sqrt{2}': [r'2^{1/2}', r'\frac{2}{\sqrt{2}}', r'\sqrt2', r'1.414214', r'1.4142', r'\sqrt{3}', r'-\sqrt{2}', r'\frac{1}{\sqrt{2}}', r'\sqrt{8}/2'],
    r'2\sqrt{3}': [r'\sqrt{12}', r'2 \cdot \sqrt{3}', r'\frac{6}{\sqrt{3}}', r'3\sqrt{2}', r'2\sqrt3', r'\sqrt{3} \cdot 2', r'2+\sqrt{3}'],
    r'\pi': ['3.141593', r'\pi+0', r'\frac{2\pi}{2}', r'3.14', r'2\pi', r'\pi^2', r'180^\circ'],
    r'4\pi': [r'\pi \cdot 4', r'12.566371', r'\pi 4', r'4\pi \text{ cm}^2', r'4 \pi r', r'\frac{8 \pi}{2}'],
    r'x^2+2x+1': [r'(x+1)^2', r'1+2x+x^2', r'x^2 + 2x + 1', r'(x-1)^2', r'x(x+2)+1', r'y^2+2y+1', r'x^2+2x', r'(1+x)(x+1)'],
    r'\frac{x}{2}': ['x/2', r'\frac{1}{2}x', '0.5x', r'\frac{2x}{4}', r'\frac{2}{x}', r'\frac{x}{3}'],
    r'a^2-b^2': [r'(a-b)(a+b)', r'-(b^2-a^2)', r'(a-b)^2', r'b^2-a^2', r'a^2 - b^2'],
    r'\sin^2 x': [r'1-\cos^2 x', r'\sin(x)^2', r'\frac{1-\cos 2x}{2}', r'\cos^2 x', r'\sin x^2'],
    r'e^{2x}': [r'(e^x)^2', r'e^{x} \cdot e^{x}', r'\exp(2x)', r'e^x', r'2e^x'],
    r'\ln 2': [r'\log_e 2', r'0.693147', r'\frac{\ln 4}{2}', r'\ln(2)', r'\log 2', r'\ln 3'],
    r'\log_2 8': ['3', r'\frac{\ln 8}{\ln 2}', r'\log_{2}{8}', '8', r'\log_3 8'],
    r'(1,2)': [r'(1, 2)', r'\left(1,2\right)', r'(2,1)', r'[1,2]', r'1,2', r'1<x<2', r'(1,2]', r'(1.0, 2.0)'],
    r'[0,\infty)': [r'[0, \infty)', r'\left[0,\infty\right)', r'x \ge 0', r'x \in [0,\infty)', r'(0,\infty)', r'[0,\infty]', r'(-\infty,0]'],
    r'(-\infty,-1) \cup (1,\infty)': [r'(1,\infty) \cup (-\infty,-1)', r'(-\infty,-1)\cup(1,\infty)', r'(-\infty,1) \cup (1,\infty)', r'x \in (-\infty,-1) \cup (1,\infty)', r'[-1,1]'],
    r'\{1,2,3\}': [r'1,2,3', r'3,2,1', r'\{3, 1, 2\}', r'\{1,2\}', r'(1,2,3)', r'1, 2 \text{ and } 3', r'\left\{1,2,3\right\}', r'\{1,2,4\}'],
    r'-2,3': [r'3,-2', r'\{-2,3\}', r'x=-2,3', r'x=-2 \text{ or } x=3', r'-2,-3', r'3', r'-2 \text{ and } 3'],
    r'(3,-4,5)': [r'(3, -4, 5)', r'(3,-4,-5)', r'3,-4,5', r'(3.0,-4.0,5.0)', r'\begin{pmatrix} 3 \\ -4 \\ 5 \end{pmatrix}', r'(5,-4,3)'],
    r'\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}': [r'\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}', r'\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}', r'\begin{pmatrix} 1 & 2 \\ 3 & 5 \end{pmatrix}', r'\begin{pmatrix} 1 & 3 \\ 2 & 4 \end{pmatrix}', r'\begin{pmatrix} 1.0 & 2 \\ 3 & \frac{8}{2} \end{pmatrix}'],
    r'y = 2x+1': [r'y=2x+1', r'y = 1+2x', r'y - 2x = 1', r'2x - y + 1 = 0', r'2x+1', r'y = 2x-1', r'y=2(x+1)-1', r'2y = 4x+2'],
    r'x^2+y^2=4': [r'x^2 + y^2 = 4', r'y^2+x^2=4', r'x^2+y^2-4=0', r'x^2+y^2=2', r'4=x^2+y^2', r'2x^2+2y^2=8'],
    r'x > 3': [r'3 < x', r'x>3', r'x \geq 3', r'(3,\infty)', r'x < 3', r'x-3>0', r'-x<-3'],
    r'1 < x < 2': [r'1<x<2', r'(1,2)', r'1 \le x < 2', r'x \in (1,2)', r'1 < x < 3'],
    r'x \le 5': [r'x \leq 5', r'5 \ge x', r'(-\infty,5]', r'x<5', r'x \ge 5'],
    r'\text{yes}': ['yes', r'\text{Yes}', r'\text{no}', r'\mathrm{yes}', r'\textbf{yes}'],
    r'\text{(C)}': ['C', r'(C)', r'\text{C}', r'\text{(B)}', r'\textbf{(C)}', r'D'],
    r'\text{Evelyn}': ['Evelyn', r'\text{evelyn}', r'\text{Alice}', r'\text{ Evelyn}'],
    r'30^\circ': ['30', r'30^{\circ}', r'30 \text{ degrees}', r'\frac{\pi}{6}', r'60^\circ', r'\angle A = 30^\circ'],
    r'25\%': ['25', '0.25', r'\frac{1}{4}', r'25 \%', r'25\text{ percent}', r'25 percent', '2.5', r'0.25\%'],
    r'2 \frac{1}{2}': [r'\frac{5}{2}', '2.5', r'2\frac12', r'2 + \frac{1}{2}', r'\frac{1}{2}', r'1'],
    r'10^{6}': ['1000000', '1,000,000', r'10^6', r'1 \times 10^6', r'10^5', r'10^{3} \cdot 10^{3}'],
    r'6.02 \times 10^{23}': [r'6.02\cdot 10^{23}', r'60.2 \times 10^{22}', r'6.02 \times 10^{22}', r'6.02E23'],
    r'2^{10}': ['1024', r'4^5', r'2^9 \cdot 2', '1023', r'2^{11}', r'(2^5)^2'],
    r'5!': ['120', r'5 \cdot 4!', r'24', r'\frac{6!}{6}'],
    r'\binom{6}{2}': ['15', r'\frac{6!}{2!4!}', r'\binom{6}{4}', '30'],
    r'3+4i': [r'4i+3', r'3 + 4i', r'3-4i', r'4+3i', '7'],
    r'0': ['0', '-0', '0.0', r'1-1', r'\frac{0}{5}', r'0\%', '1', r'\emptyset'],
    r'\frac{\sqrt{3}}{3}': [r'\frac{1}{\sqrt{3}}', r'\sqrt{3}/3', r'\frac{\sqrt3}3', '0.577350', r'\sqrt{\frac{1}{3}}', r'\frac{\sqrt{3}}{2}', r'3^{-1/2}'],
    r'\frac{1+\sqrt{5}}{2}': [r'\frac{\sqrt{5}+1}{2}', '1.618034', r'\frac{1}{2}+\frac{\sqrt{5}}{2}', r'\frac{1-\sqrt{5}}{2}', r'0.5+0.5\sqrt{5}'],
    r'1 \pm \sqrt{2}': [r'1+\sqrt{2}, 1-\sqrt{2}', r'1-\sqrt{2}, 1+\sqrt{2}', r'\{1 \pm \sqrt{2}\}', r'1+\sqrt{2}', r'x = 1 \pm \sqrt{2}', r'-1 \pm \sqrt{2}'],
    r'\mathbb{R}': [r'\mathbb{R}', r'(-\infty,\infty)', r'\mathbb{Z}', r'x \in \mathbb{R}'],
    r'\emptyset': [r'\emptyset', r'\{\}', r'\{0\}', r'\text{no solution}'],
    r'\infty': [r'\infty', r'-\infty', r'+\infty', r'1', r'infinity'],
    r'\tan 45^\circ': ['1', r'\tan(45)', r'\tan 45'],
    r'\lfloor 3.7 \rfloor': ['3', '4', r'\lfloor 3 \rfloor'],
    r'f(x)=x^2': [r'f(x) = x^2', r'x^2', r'f(x)=x^3', r'g(x)=x^2', r'y=x^2'],
    r'\frac{a}{b+c}': [r'a/(b+c)', r'\frac{a}{c+b}', r'\frac{a}{b}+c', r'\frac{2a}{2b+2c}'],
    r'abc': ['cba', r'a \cdot b \cdot c', r'\text{abc}', r'ab', r'abcd'],
    r'\alpha+\beta': [r'\beta+\alpha', r'\alpha-\beta', r'\alpha + \beta'],
    r'x_1': ['x_1', r'x_{1}', 'x_2', r'x'],
    r'40_9': ['40_9', '40_8', '36', '40'],
    r'3:5': [r'\frac{3}{5}', '3/5', '0.6', '5:3', '3 : 5'],
    r'\sum_{k=1}^{4} k': ['10', r'1+2+3+4', '4'],
    r'|x|': [r'\sqrt{x^2}', r'|{-x}|', r'x', r'-x'],
    r'\frac{x^2-1}{x-1}': [r'x+1', r'x-1', r'\frac{(x-1)(x+1)}{x-1}'],
    r'p \ne 2': [r'p \neq 2', r'p = 2', r'2 \ne p'],
    r'x=1, y=2': [r'x=1,y=2', r'y=2, x=1', r'(1,2)', r'1,2', r'x=2,y=1'],
}


def main():
    for gold, forms in FORMS.items():
        for pred in forms:
            equal = bool(verify(parse(f'${gold}$'), parse(f'${pred}$')))
            print(json.dumps({'gold': gold, 'pred': pred, 'equal': equal}, ensure_ascii=False))


if __name__ == '__main__':
    main()
