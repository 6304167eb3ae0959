"""The templates of jinja.py: what chat templates are made of, piece by piece.

Left out, because the crate refuses them (minijinja has no such form): `'%r' % x`, `'%d' % 1.5`, `"{!r}".format(x)`,
`"{:%}".format(x)`, `{% for x in 1, 2 %}`. Also left out: `'a' % 'b'`, which Python refuses for an argument too many, and
`loop.last` over a string.
"""

E = "{% set e = messages[1].extra %}"
ANSWER = [{"role": "user", "content": "Capital?"}, {"role": "assistant", "content": "It is"}]

VALUES = r"""
1 | 1.0 | 1e16 | 1e15 | 1e-05 | 0.0001 | 123456789012345678 | 1_000 | -0.0 | 5 / 2 | 4 / 2 | 7 // 2 | -7 // 2 | 7 // -2 | 7.5 // 2
7 % 3 | -7 % 3 | 7 % -3 | -7 % -3 | 7.5 % 2 | -7.5 % 2 | 2 ** 10 | 2 ** -1 | 2 ** 0.5 | -2 ** 2 | 10 ** 20 | 2 ** 64 | 1 + true | 1e308 * 10
true | True | false | none | None | [] | {} | () | (1,) | (1, 'a') | [1, 1.0, 1e16, 1e-07, true, none, 'x'] | {'a': [1e16], 1: none, 'b': {'c': ()}}
"it's" | ['it\'s', "\"q\"", 'a\\b', 'é\n'] | [undefined_name] | undefined_name | [none] | 'a' ~ 1e16 ~ none ~ true ~ [1e-7] ~ undefined_name
'a' ~ 1 + 1 | 1 ~ 2 * 3 | 'a' * 3 | 3 * 'ab' | 'a' * -1 | [1] * 2 | [1] + [2.0] | (1,) + (2,) | 'x' + 'y' | 'a' + 1 | 'a' + none | [1] + (2,) | 1 / 0 | 1 % 0 | 1 // 0
e.big | e.large | e.small | e.whole | e.half | e.neg | e.yes | e.no | e.list | e.text | [e.text] | e.schema | e.rows | e.missing | e.missing.deeper | e.missing['x']
e.big + 1 | e.whole * 2 | e.neg // 2 | e.half | string | e.large | string | e.list | string | e.list | join(',') | e.list | join | e.rows | join(';', attribute='n') | [1e16, none] | join('-')
'%s' % 'a' | '%s-%s' % ('a', 1) | '%.2f' % 2.0 | '%5.1f|' % 2.25 | '%05d' % 42 | '%x' % 255 | '%%' % () | '%(a)s' % {'a': 1} | '%s' % [1e16] | '%s' % 1e16 | '%s %s' % 'a' | '%-5s|' % 'ab' | '%e' % 12345.678
"{} {}".format(1, 'a') | "{0}{1}{0}".format('a', 'b') | "{a:.2f}".format(a=1) | "{:>5}|{:<5}|{:^5}".format(1, 2, 3) | "{:,}".format(1234567) | "{:05d}".format(42) | "{a[k]}".format(a={'k': 1}) | "{}".format(1e16) | "{}".format([1.0])
'abcdef'[1:3] | 'abcdef'[::-1] | 'abcdef'[-2:] | 'abcdef'[4:1:-1] | 'abcdef'[::2] | [1,2,3][::-1] | [1,2,3][-1] | [1,2,3][5] | 'abc'[5] | 'abc'[0] | [1,2,3][1:] | (1,2,3)[:2] | none[0] | {'a': 1}['a'] | {'a': 1}['b'] | {'a': 1}.b
1 < 2 < 3 | 3 > 2 > 2 | 1 == 1.0 | 1 == true | 'a' == 'a' | 'a' < 'b' | [1] == [1] | (1,) == [1] | {'a': 1} == {'a': 1.0} | none == false | undefined_name == none | 'a' in 'abc' | 'a' not in 'abc' | 1 in [1, 2] | 'a' in {'a': 1} | 'x' in undefined_name | 1 in none | not 1 == 1 | not none and 1 | 0 or 'x' | '' or [] or 'z' | 1 and 2
1 if true else 2 | 1 if false | ('a' if e.yes else 'b') ~ 'c' | 1 if undefined_name else 3
"""

METHODS = r"""
'  a b '.strip() | 'xxaxx'.strip('x') | 'xyaxy'.lstrip('xy') | 'axy'.rstrip('yx') | '\n a\t'.strip() | 'abc'.strip(none) | '\x1ca\x1f'.strip()
'a b  c'.split() | 'a,b,,c'.split(',') | 'a,b,c'.split(',', 1) | ' a b c '.split(none, 1) | 'a,b,c'.rsplit(',', 1) | ' a b c '.rsplit(none, 1) | 'a,b'.split(sep=',', maxsplit=1) | ''.split() | ''.split(',') | 'a'.split('') | 'a</think>b'.split('</think>')[-1] | 'a</think>b'.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n')
'a=b=c'.partition('=') | 'a=b=c'.rpartition('=') | 'abc'.partition('=') | 'abc'.rpartition('=') | 'a\nb\r\nc\n'.splitlines() | 'a\nb\r\nc'.splitlines(true) | 'a\x0bb\u2028c'.splitlines() | ''.splitlines()
'abc'.startswith('ab') | 'abc'.startswith(('x', 'a')) | 'abc'.endswith(('c', 'x')) | 'abc'.startswith('b', 1) | 'abc'.endswith('b', 0, 2) | 'abc'.startswith(['a']) | 'abc'.startswith('') | 'abc'.startswith(1)
'hello'.find('l') | 'hello'.rfind('l') | 'hello'.find('x') | 'hello'.find('l', 3) | 'hello'.index('l') | 'hello'.index('x') | 'hello'.rindex('l') | 'hello'.count('l') | 'hello'.count('') | 'hello'.count('l', 3) | 'éa'.find('a') | 'hello'.find('l', -2)
'hello world'.title() | "it's a1b".title() | 'hELLO'.capitalize() | 'aBc'.upper() | 'aBc'.lower() | 'aBc'.swapcase() | 'Straße'.casefold() | 'ABC'.isupper() | 'abc'.islower() | 'a1'.isalnum() | 'abc'.isalpha() | '12'.isdigit() | ''.isdigit() | '1.5'.isdigit() | '12'.isnumeric() | '12'.isdecimal() | ' \t'.isspace() | ''.isspace() | 'Ab Cd'.istitle() | 'a_1'.isidentifier() | '1a'.isidentifier() | 'aé'.isascii()
'42'.zfill(5) | '-42'.zfill(5) | 'a'.ljust(3) ~ '|' | 'a'.rjust(3, '.') | 'ab'.center(5, '*') | 'abc'.center(6, '*') | 'a'.center(2) | 'a\tb'.expandtabs(4) | 'abc'.removeprefix('a') | 'abc'.removesuffix('bc') | 'abc'.removeprefix('x') | 'a-b'.replace('-', '+') | 'aaa'.replace('a', 'b', 2) | 'abc'.replace('', '-')
', '.join(['a', 'b']) | ', '.join([1]) | ''.join('abc') | ','.join({'a': 1, 'b': 2}) | ','.join([]) | 'a'.nothing() | 'a'.nothing
{'a': 1}.get('a') | {'a': 1}.get('b') | {'a': 1}.get('b', 2) | {'a': 1}.keys() | list | {'a': 1}.values() | list | {'a': 1}.items() | list | {'a': 1}.items() | length | e.schema.items() | list | e.schema.keys() | list | e.schema.get('type') | e.schema['items'] | {'a': 1}.copy() | {'a': 1}.update({'b': 2}) | {'a': 1}.pop('a') | {'a': 1}.nothing()
[1, 2, 1].count(1) | [1, 2].index(2) | [1, 2].index(3) | [1].append(2) | [2, 1].sort() | [1].copy() | (1, 1).count(1) | dict(a=1, b=2) | dict({'a': 1}, b=2) | dict([('a', 1)]) | dict()
"""

FILTERS = r"""
1e16 | string | 'a' | string | none | string | [1.0] | string | 'é' | length | [1, 2] | length | {'a': 1} | length | undefined_name | length | 5 | length | 'abc' | count | 'abc' | first | 'abc' | last | [] | first | [1, 2] | last | 'abc' | list | {'a': 1} | list | none | list | 'abc' | reverse | [1, 2] | reverse | list
undefined_name | default('x') | none | default('x') | none | default('x', true) | '' | default('x', boolean=true) | undefined_name | d | false | default(1, true) | undefined_name | default(default_value=2) | e.missing | default(none)
'42' | int | '4.7' | int | 'x' | int | 'x' | int(5) | 'ff' | int(base=16) | '0x1f' | int(0, 16) | ' 42 ' | int | '1_000' | int | 4.9 | int | -4.9 | int | none | int | true | int | [] | int(3) | '1e3' | int | undefined_name | int
'4.5' | float | 'x' | float | 'x' | float(1.5) | 3 | float | '1e-5' | float | 'inf' | float | 'nan' | float | none | float | ' 2 ' | float | '1_0.5' | float | true | float | undefined_name | float
2.5 | round | 3.5 | round | 2.567 | round(2) | 42 | round | 2.1 | round(method='ceil') | 2.9 | round(0, 'floor') | 1234 | round(-2) | 2.5 | round | int | -5 | abs | 2.5 | abs
'  a ' | trim | 'xax' | trim('x') | none | trim | 'aBc' | upper | 'aBc' | lower | "it's a test" | title | 'foo bar' | capitalize | 'a-b' | replace('-', '+') | 'aaa' | replace('a', 'b', 1) | 12 | replace('1', '2')
'a\nb\n\nc' | indent | 'a\nb\n' | indent(2) | 'a\nb' | indent(2, true) | 'a\n\nb' | indent(2, blank=true) | 'a\nb' | indent('> ') | 'a\nb' | indent(width=1, first=true) | 'a' | indent | '' | indent | 'a\r\nb' | indent(1)
'hello world foo' | truncate(8) | 'hello world foo' | truncate(8, true) | 'hello world foo' | truncate(9, false, '..', 0) | 'hello' | truncate(4) | 'hello world foo' | truncate(length=7, killwords=true, leeway=0) | 'a b_c, d' | wordcount | 'ab' | center(6) ~ '|' | '<a href="x">\'b\' & c</a>' | escape | '<' | e | '<' | safe | '<b>x</b> y' | striptags | 'a' | forceescape | 1000000 | filesizeformat
[3, 1, 2] | sort | ['b', 'A', 'c'] | sort | ['b', 'A', 'c'] | sort(case_sensitive=true) | [3, 1] | sort(reverse=true) | e.rows[:3] | sort(attribute='n') | map(attribute='v') | list | e.rows[:3] | map(attribute='n') | join | e.rows | map(attribute='n', default='?') | list | ['a', 'b'] | map('upper') | list | [1, 2] | sum | e.rows | sum(attribute='v') | e.rows[:3] | sum('v') | [[1], [2]] | sum(start=[])
[1, 2, 3, 4] | select('odd') | list | [1, 2] | reject('odd') | list | [0, 1, ''] | select | list | e.rows | selectattr('n') | list | e.rows | selectattr('n', 'defined') | map(attribute='n') | list | e.rows | rejectattr('n') | list | e.rows | selectattr('v', 'equalto', 2) | list | length | e.rows | selectattr('v', 'gt', 1) | map(attribute='v') | list | e.rows | selectattr('v', '>=', 2) | list | length | ['a', 1] | select('string') | list | messages | selectattr('role', 'equalto', 'user') | list | length | messages | rejectattr('role', 'in', ['user', 'system']) | map(attribute='content') | list
{'b': 1, 'a': 2} | dictsort | {'b': 1, 'a': 2} | dictsort(false, 'value') | {'b': 1, 'a': 2} | dictsort(true, 'key', true) | {'b': 1, 'a': 2} | dictsort(by='value') | {'b': 1, 'A': 2} | dictsort(reverse=true) | {'b': 1, 'a': 2} | items | list | undefined_name | items | list | [1, 2, 1, 'a', 'A'] | unique | list | e.rows[:3] | groupby('v') | map('first') | list | [1, 2, 3] | batch(2) | list | [1, 2, 3] | batch(2, 'x') | list | [1, 2, 3] | slice(2) | list | [1, 3, 2] | max | [1, 3, 2] | min | 'bca' | max | ['a', 'b'] | join | [1, [2]] | join(', ') | 'abc' | join('.') | none | join | {'a': 1} | join
'%s!' | format('a') | '%d %.1f' | format(1, 2.25) | 'x' | nothing | 'a,b' | split(',') | 'x' | bool | [1] | zip([2])
1e16 | tojson | [1, 2.0, 1e-7, true, none, 'é<>&\'"'] | tojson | {'b': 1, 'a': [1, {'c': {}}]} | tojson | {'b': 1, 'a': 2} | tojson(sort_keys=true) | [1, 2] | tojson(separators=(',', ':')) | {'a': [1]} | tojson(separators=(',', ':')) | {'a': [1], 'b': {}} | tojson(indent=2) | {'a': [1, {'b': []}]} | tojson(indent=4) | {'a': 1} | tojson(indent='\t') | {'a': 1} | tojson(indent=0) | 'é😀\x7f' | tojson(ensure_ascii=true) | 'é\x7f\x01\x08\x0c' | tojson | {'a': [1]} | tojson(true, 1, (';', '=')) | {1: 'a', none: 'b', true: 'c', 1.5: 'd'} | tojson | {1: 'a', 'b': 2} | tojson(sort_keys=true) | undefined_name | tojson | [undefined_name] | tojson | (1, 2) | tojson | e.big | tojson | e | tojson | e.list | tojson(indent=1) | tools | tojson | tools | tojson(indent=4) | tools[0].function.parameters | tojson(sort_keys=true, indent=2) | {'a': 1} | tojson(unknown=1) | [1] | tojson(separators=',:') | none | tojson | 'x' | tojson | length | {'a': {'b': 1}} | tojson(indent=none) | 1 | tojson(indent=2) | [1e400, -1e400] | tojson
"""

TESTS = r"""
'a' is string | 1 is string | 1 is number | 1.5 is number | true is number | 'a' is number | 1 is integer | true is integer | 1.0 is integer | 1.0 is float | true is boolean | 1 is boolean | none is none | undefined_name is none | undefined_name is defined | undefined_name is undefined | {} is mapping | [] is mapping | messages[0] is mapping
[] is sequence | 'a' is sequence | {} is sequence | 1 is sequence | () is sequence | none is sequence | undefined_name is sequence | [] is iterable | 'a' is iterable | none is iterable | 1 is iterable | {} is iterable | undefined_name is iterable | range is callable | 1 is callable | 'a' is callable
1 is odd | 2 is even | 4 is divisibleby 2 | 4 is divisibleby(3) | 'a' is lower | 'A' is upper | 1 is sameas 1 | 1 is sameas true | true is true | 1 is true | false is false | 1 is eq 1 | 1 is equalto 2 | 2 is gt 1 | 2 is lessthan 1 | 1 is in [1] | 'a' is in 'abc' | 'a' is not string | 'upper' is filter | 'nothing' is filter | 'odd' is test | 'a' is escaped | 'a' | safe is escaped | 1 is nothing | e.yes is true | e.list is iterable and e.list is not string | not 'a' is string | e.missing is not defined
"""

STATEMENTS = [
    # generation, with and without control of white space
    "a\n{% generation %}\nb\n{% endgeneration %}\nc", "a {%- generation -%} b {%- endgeneration -%} c",
    "a  {%+ generation %}\n b {%+ endgeneration %}\n c", "  {% generation %}x{% endgeneration %}  \ny",
    "{% for m in messages %}{% generation %}{{ m.role }}{{ loop.index }}{% endgeneration %}\n{% endfor %}",
    "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}{% else %}-{% endif %}{% endfor %}",
    "{% macro f(x) %}[{% generation %}{{ x }}{% endgeneration %}]{% endmacro %}{{ f(1) }}{{ f('a') }}",
    "{% set x = 1 %}{% generation %}{% set x = 2 %}{{ x }}{% endgeneration %}{{ x }}",
    "{% set n = namespace(x=1) %}{% generation %}{% set n.x = 2 %}{% endgeneration %}{{ n.x }}",
    "{% generation %}{% set y = 1 %}{% endgeneration %}{{ y }}|", "{% generation %}{% generation %}a{% endgeneration %}{% endgeneration %}",
    "{% generation %}a", "{% endgeneration %}", "{% generation x %}a{% endgeneration %}", "{{ generation }}|{% set generation = 'g' %}{{ generation }}",
    "{# {% generation %} #}a", "{% raw %}{% generation %}{{ a ~ b }}{% endraw %}", "{{ '{% generation %}' }}", "{%- raw -%} a {%- endraw -%} b",
    # white space
    "a\n  {% if true %}\n  b\n  {% endif %}\nc\n", "a {% if true -%}  \n b {%- endif %} c", "{{ 'a' }}\nb", "{{- 'a' -}} \n b", "a\n{# c #}\nb", "a  {#- c -#}  b",
    "  {{ 1 }}\n", "\n\n{% set x = 1 %}\n\n{{ x }}\n\n", "a\r\n{% if true %}\r\nb\r\n{% endif %}c\r\n", "{{ 'a\r\nb' | length }}", "x{% if true +%}\ny{% endif %}", "\t {%+ if true %}a{% endif %}",
    "{{ 'a' }}   {% if true %}b{% endif %}", "{% if true %}{% if true %}\n  x\n{% endif %}{% endif %}", "a{{ ' ' }}\n   {%- if true %} b{% endif %}", "{%if true%}x{%endif%}", "{{\n'a'\n~\n'b'\n}}",
    # loops
    "{% for i in [1, 2, 3] %}{{ i }}{% if not loop.last %}, {% endif %}{% endfor %}", "{% for i in range(10) %}{% if i == 2 %}{% continue %}{% endif %}{% if i > 4 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "{% for i in [] %}a{% else %}none{% endfor %}", "{% for i in [1, 2, 3, 4] if i % 2 == 0 %}{{ loop.index }}/{{ loop.length }}:{{ i }} {% endfor %}",
    "{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k in {'a': 1} %}{{ k }}{% endfor %}", "{% for k, v in {'b': 1, 'a': 2} | dictsort %}{{ k }}{{ v }}{% endfor %}",
    "{% for i in ['a', 'b', 'c'] %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }} {% endfor %}", "{% for i in 'abc' %}{{ i }}{{ loop.index }}{% endfor %}", "{% for i in [1, 2, 3] %}{{ loop.previtem }}-{{ loop.nextitem }} {% endfor %}",
    "{% for i in [1, 1, 2] %}{{ loop.changed(i) }} {% endfor %}", "{% for i in [1, 2, 3] %}{{ loop.cycle('a', 'b') }}{% endfor %}", "{% for i in [1, 2] %}{% for j in [3, 4] %}{{ loop.index }}{% endfor %}{{ loop.index }}{% endfor %}",
    "{% for i in [1, [2, [3]]] recursive %}{% if i is number %}{{ i }}{% else %}({{ loop(i) }}){% endif %}{{ loop.depth }}{% endfor %}", "{% set x = 0 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}",
    "{% set n = namespace(x=0, y=[]) %}{% for i in [1, 2] %}{% set n.x = n.x + i %}{% set n.y = n.y + [i] %}{% endfor %}{{ n.x }}{{ n.y }}", "{% for i in undefined_name %}a{% endfor %}b", "{% for i in 5 %}a{% endfor %}",
    "{% for a, b in [[1, 2], (3, 4)] %}{{ a }}{{ b }}{% endfor %}", "{% for a, b in [[1, 2, 3]] %}{% endfor %}", "{% for m in messages[1:] %}{{ m.role }}{% endfor %}", "{% for m in messages[::-1] %}{{ m['role'] }}{% endfor %}", "{% for i in range(3, 0, -1) %}{{ i }}{% endfor %}",
    "{% for i in (1, 2) %}{{ i }}{% endfor %}", "{% for i in [1] + [2] %}{{ i }}{% endfor %}{{ ([1] + [2]) | length }}{{ ([1] + [2])[1] }}",
    # macros, calls, blocks
    "{% macro f(a, b='x', c=none) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ f(1) }}|{{ f(1, c=2) }}|{{ f(b=3, a=4) }}", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f() }}|", "{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}",
    "{% macro f() %}<{{ caller() }}>{% endmacro %}{% call f() %}x{% endcall %}", "{% macro f() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b) f() %}{{ a }}{{ b }}{% endcall %}", "{% macro f(x) %}{% if x > 0 %}{{ x }}{{ f(x - 1) }}{% endif %}{% endmacro %}{{ f(3) }}",
    "{% macro f(x) -%}\n  {{ x }}\n{%- endmacro %}{{ f('a') | upper }}", "{% set x %}a{{ 1 }}{% endset %}{{ x }}{{ x | length }}", "{% set x | upper %}abc{% endset %}{{ x }}", "{% filter upper %}a{{ 'b' }}{% endfilter %}", "{% filter replace('a', 'b') %}aca{% endfilter %}",
    "{% with x = 1, y = 2 %}{{ x }}{{ y }}{% endwith %}{{ x }}|", "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set a, b = [1, 2] %}{{ a }}{{ b }}", "{% if 0 %}a{% elif '' %}b{% elif [] %}c{% else %}d{% endif %}", "{% if undefined_name %}a{% else %}b{% endif %}", "{% set ns = namespace() %}{% set ns.a = 1 %}{{ ns.a }}{{ ns.b }}|",
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}", "{% set j = joiner(', ') %}{% for i in [1, 2] %}{{ j() }}{{ i }}{% endfor %}", "{{ raise_exception('x') }}", "{{ nothing() }}", "{% nothing %}", "{{ 1", "{% if %}", "{% endif %}", "{{ messages[0].content.strip() }}", "{{ 'a' 'b' }}",
    "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system = messages[0]['content'] | trim %}{% else %}{% set loop_messages = messages %}{% endif %}{{ system }}{{ loop_messages | length }}{{ loop_messages[-1].role }}",
    # safe text escapes what is added to it
    "{{ '<'|safe + '<' + \"'\" }}", "{{ '<' + '<'|safe }}", "{{ '<' ~ '<'|safe }}", "{{ '<'|safe + 1 }}", "{{ '<'|safe }}{{ '<' + '>' }}{{ 1 + 2.5 + true }}{{ [1] + [2] }}{{ (1,) + (2,) }}",
    "{% autoescape true %}{{ '<' }}{{ '<'|safe }}{{ ['<'] }}{% endautoescape %}{{ '<' }}", "{% autoescape false %}{{ '<' }}{% endautoescape %}",
    "{{ strftime_now(format='%%') }}", "{{ strftime_now() }}", "{{ strftime_now(1) }}",
    "{{ ''|safe }}{{ 'a' + 1 }}", "{{ '<'|safe * 2 + '<' }}", "{{ '<'|escape + '<' }}", "{% set x = '<'|safe %}{{ x + tools[0].function.description + (tools[0] | tojson) }}",
    # special tokens and variables
    "{{ bos_token }}{{ eos_token }}{{ pad_token }}{{ image_token }}|{{ unk_token }}", "{{ bos_token + messages[0].content }}", "{% if tools is not none and tools %}{{ tools[0].function.name }}{% endif %}", "{{ tools | length }}{{ documents }}{{ add_generation_prompt }}", "{{ messages | map(attribute='role') | join(',') }}", "{{ messages[2].reasoning_content }}{{ messages[2].get('reasoning') }}", "{{ messages | tojson }}", "{{ messages }}", "{{ tools }}",
    "{{ messages[0] | length }}", "{% for k, v in tools[0].function.parameters.properties.items() %}{{ k }}:{{ v.type }};{% endfor %}", "{{ 'items' in messages[1].extra.schema }}", "{{ strftime_now('%%') }}", "{{ '\\n' }}|{{ '\\t' }}|{{ '\\u00e9' }}|{{ '\\x41' }}|{{ '\\d' }}|{{ \"\\\"\" }}", "{{ 'a\\'b' }}", "{{ \"{{ x }}\" }}", "{{ '%}' }}", "{{ {'a': {'b': {}}} }}", "{{ {'a': 1,} }}{{ [1, 2,] }}",
]

CONTINUED = [
    ("{% for m in messages %}[{{ m.role }}]{{ m.content }}[end]\n{% endfor %}", ANSWER),
    ("{% for m in messages %}[{{ m.role }}]{{ m.content | trim }}[end]\n{% endfor %}", ANSWER),
    ("{% for m in messages %}[{{ m.role }}]{{ m.content.strip() }}[end]\n{% endfor %}", [ANSWER[0], {"role": "assistant", "content": " It is "}]),
    ("{% for m in messages %}[{{ m.role }}]{{ m.content }}[end]\n{% endfor %}", [ANSWER[0], {"role": "assistant", "content": " It is \n"}]),
    ("{% for m in messages %}[{{ m.role }}]{{ m.content }}[end]\n{% endfor %}", [ANSWER[0], {"role": "assistant", "content": ""}]),
    ("{% for m in messages %}[{{ m.role }}]{{ m.content.split('</think>')[-1] }}[end]\n{% endfor %}", [ANSWER[0], {"role": "assistant", "content": "a</think>b"}]),
    ("{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}", ANSWER),
    ("{% for m in messages %}{{ m.content }}{{ m.content }}|{% endfor %}", ANSWER),
    ("{% for m in messages %}{{ m.content | upper }}|{% endfor %}", ANSWER),
    ("{% for m in messages %}{{ m['content'] | replace('is', 'was') }}|{% endfor %}", ANSWER),
    ("{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}\n{% endfor %}", ANSWER),
    ("{{ messages | length }}", ANSWER),
]


def expressions(block):
    """One expression each; ` | ` followed by the name of a filter belongs to the expression before it."""
    found = []
    for line in block.strip("\n").split("\n"):
        parts = line.split(" | ")
        for part in parts:
            name = part.split("(")[0].split("[")[0].split(" ")[0]
            if found and part is not parts[0] and name in FILTER_NAMES:
                found[-1] += " | " + part
            else:
                found.append(part)
    return [E + "{{ " + part + " }}" for part in found]


FILTER_NAMES = """string length count first last list reverse default d int float round abs trim upper lower title
capitalize replace indent truncate wordcount center escape e safe striptags forceescape filesizeformat sort map sum
select reject selectattr rejectattr dictsort items unique groupby batch slice max min join format nothing urlencode attr
split bool zip tojson""".split()

TEMPLATES = [template for block in (VALUES, METHODS, FILTERS, TESTS) for template in expressions(block)] + STATEMENTS
