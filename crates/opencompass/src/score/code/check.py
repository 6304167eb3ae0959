"""Judges the answer to a programming task. Run inside of the sandbox; the job is JSON on standard input.

The answer runs in a process of its own (`check.py worker IN OUT`). This process, the judge, evaluates the tests and
only sees the answer's functions as proxies: arguments go to the worker, and results come back as plain data that is
built anew here. So an answer cannot pass by forging `__eq__`, by ending the process, by changing builtins, by printing
a mark or by reading the tests: none of that reaches the judge. Only the judge writes to standard output.

Protocol: one JSON list per line in both directions. Values are `null`, booleans, strings, and tagged lists.
"""

import base64
import builtins
import collections
import datetime
import decimal
import fractions
import hashlib
import io
import json
import os
import pickle
import select
import subprocess
import sys
import time

# What a line of the answer's process may take, so that it cannot exhaust the judge's memory.
LINE_LIMIT = 64 * 1024 * 1024
# Number of nested containers in a value.
DEPTH_LIMIT = 200


class Ended(Exception):
    """The answer's process ended or wrote something that is not of the protocol."""


class OutOfTime(BaseException):
    """The time of the whole job is over. Not an `Exception`, so that tests cannot catch it by accident."""


# --- Values ---------------------------------------------------------------------------------------------------

def plain_subclass(base):
    """A subclass of a plain type: equal to plain values, but not of their type."""
    return type('Sub' + base.__name__, (base,), {})


SUBCLASSES = {base.__name__: plain_subclass(base) for base in (int, float, str, list, tuple, dict, set)}
EXACT = {
    'Counter': (collections.Counter, dict),
    'OrderedDict': (collections.OrderedDict, dict),
    'deque': (collections.deque, list),
    'Decimal': (decimal.Decimal, str),
    'Fraction': (fractions.Fraction, str),
}


def encode(value, keep, depth=0):
    """Plain data for a value; `keep` stores what is not plain and returns its number."""
    if depth > DEPTH_LIMIT:
        raise ValueError('a value is nested too deeply')
    kind = type(value)
    inner = depth + 1
    if value is None or kind is bool or kind is str:
        return value
    if kind is int:
        return ['i', hex(value)]
    if kind is float:
        return ['f', float.__repr__(value)]
    if kind is complex:
        return ['c', float.__repr__(value.real), float.__repr__(value.imag)]
    if kind in (bytes, bytearray):
        return ['b', kind.__name__, base64.b64encode(bytes(value)).decode()]
    if kind in (list, tuple, set, frozenset):
        return ['l', kind.__name__, [encode(item, keep, inner) for item in value]]
    if kind is dict:
        return ['d', [[encode(k, keep, inner), encode(v, keep, inner)] for k, v in value.items()]]
    if kind is range:
        return ['r', value.start, value.stop, value.step]
    if kind is collections.defaultdict:
        return ['x', 'dict', encode(dict(value), keep, inner)]
    for name, (exact, base) in EXACT.items():
        if kind is exact:
            return ['e', name, encode(base(value), keep, inner)]
    if kind in (datetime.datetime, datetime.date, datetime.time):
        return ['t', kind.__name__, value.isoformat()]
    if kind is datetime.timedelta:
        return ['td', value.days, value.seconds, value.microseconds]
    for base, convert in ((bool, bool), (int, int.__index__), (float, float.__float__), (str, str.__str__),
                          (tuple, tuple), (list, list), (dict, dict), (set, set)):
        if isinstance(value, base) and base in kind.__mro__:
            return ['x', base.__name__, encode(base(convert(value)), keep, inner)]
    return keep(value)


def decode(data, take):
    """The value of plain data; `take` finds what is not plain by its number."""
    if data is None or isinstance(data, (bool, str)):
        return data
    tag = data[0]
    if tag == 'i':
        return int(data[1], 16)
    if tag == 'f':
        return float(data[1])
    if tag == 'c':
        return complex(float(data[1]), float(data[2]))
    if tag == 'b':
        return {'bytes': bytes, 'bytearray': bytearray}[data[1]](base64.b64decode(data[2]))
    if tag == 'l':
        kind = {'list': list, 'tuple': tuple, 'set': set, 'frozenset': frozenset}[data[1]]
        return kind(decode(item, take) for item in data[2])
    if tag == 'd':
        return {decode(key, take): decode(value, take) for key, value in data[1]}
    if tag == 'r':
        return range(int(data[1]), int(data[2]), int(data[3]))
    if tag == 'x':
        return SUBCLASSES[data[1]](decode(data[2], take))
    if tag == 'e':
        return EXACT[data[1]][0](decode(data[2], take))
    if tag == 't':
        return getattr(datetime, data[1]).fromisoformat(data[2])
    if tag == 'td':
        return datetime.timedelta(int(data[1]), int(data[2]), int(data[3]))
    return take(data)


# --- The answer's process -------------------------------------------------------------------------------------

class Worker:
    """Runs the answer and does what the judge asks."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.kept = []
        self.scope = {'__name__': '__main__', '__builtins__': builtins}

    def keep(self, value):
        self.kept.append(value)
        traits = [name for name in ('__call__', '__iter__', '__next__', '__len__') if hasattr(type(value), name)]
        return ['h', len(self.kept) - 1, traits]

    def take(self, data):
        if data[0] == 'k':
            return lambda *args, **kwargs: self.call_back(data[1], args, kwargs)
        return self.kept[int(data[1])]

    def send(self, message):
        self.writer.write(json.dumps(message) + '\n')
        self.writer.flush()

    def call_back(self, number, args, kwargs):
        """A function of the tests that was given to the answer."""
        self.send(['back', number, encode(list(args), self.keep), encode(kwargs, self.keep)])
        return self.loads(json.loads(self.reader.readline())[1])

    def loads(self, text):
        worker = self

        class Unpickler(pickle.Unpickler):
            def persistent_load(self, number):
                return worker.take(number)

        return Unpickler(io.BytesIO(base64.b64decode(text))).load()

    def do(self, order, *rest):
        if order == 'run':
            exec(compile(rest[0], '<answer>', 'exec'), self.scope)
            return ['value', None]
        if order == 'names':
            found = {}
            for name in rest[0]:
                if name in self.scope:
                    value = self.scope[name]
                    is_module = type(value) is type(sys)
                    found[name] = ['m', value.__name__] if is_module else encode(value, self.keep)
            return ['names', found]
        if order == 'call':
            function = self.kept[rest[0]]
            args, kwargs = self.loads(rest[1])
            before = [self.shown(arg) for arg in args]
            result = encode(function(*args, **kwargs), self.keep)
            after = [self.shown(arg) for arg in args]
            changed = {str(i): new for i, (old, new) in enumerate(zip(before, after)) if old != new}
            return ['value', result, changed]
        target = self.kept[rest[0]]
        if order == 'truth':
            return ['value', bool(target)]
        if order == 'attribute':
            return ['value', encode(getattr(target, rest[1]), self.keep)]
        if order == 'method':
            args, _ = self.loads(rest[2])
            return ['value', encode(getattr(type(target), rest[1])(target, *args), self.keep)]
        raise ValueError(order)

    def shown(self, value):
        """The data of an argument that the answer may change in place."""
        if type(value) not in (list, dict, set):
            return None
        try:
            return encode(value, lambda other: ['o', id(other)])
        except ValueError:
            return None

    def serve(self):
        for line in self.reader:
            order = json.loads(line)
            try:
                reply = self.do(*order)
            except BaseException as error:  # whatever the answer raises is an outcome
                names = [kind.__name__ for kind in type(error).__mro__]
                reply = ['raised', names, str(error)[:1000]]
            self.send(reply)


def worker(reader, writer):
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    sys.setrecursionlimit(10000)
    Worker(os.fdopen(reader, encoding='utf-8'), os.fdopen(writer, 'w', encoding='utf-8')).serve()


# --- The judge ------------------------------------------------------------------------------------------------

def hidden():
    """Keeps processes of the same user away from the memory and the open files of this one."""
    try:
        import ctypes
        pr_set_dumpable = 4
        ctypes.CDLL(None).prctl(pr_set_dumpable, 0, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        pass


class Proxy:
    """Something of the answer that is not plain data. Equal to nothing but itself."""

    def __init__(self, judge, number):
        self._judge, self._number = judge, number

    def __call__(self, *args, **kwargs):
        return self._judge.call(self._number, args, kwargs)

    def __getattr__(self, name):
        if name.startswith('__'):
            raise AttributeError(name)
        return self._judge.value(['attribute', self._number, name])

    def _method(self, name, *args):
        return self._judge.value(['method', self._number, name, self._judge.dumps((args, {}))])

    def __bool__(self):
        return bool(self._judge.value(['truth', self._number]))

    def __getitem__(self, key):
        return self._method('__getitem__', key)

    def __contains__(self, item):
        return bool(self._method('__contains__', item))

    def __float__(self):
        return float(self._method('__float__'))

    def __str__(self):
        return str(self._method('__str__'))


class Iterable(Proxy):
    def __iter__(self):
        return self._method('__iter__')


class Sized(Iterable):
    def __len__(self):
        return int(self._method('__len__'))


class Iterator(Iterable):
    def __iter__(self):
        return self

    def __next__(self):
        return self._method('__next__')


class Judge:
    def __init__(self, seconds):
        self.deadline = time.monotonic() + seconds
        self.functions = []
        to_read, to_write = os.pipe()
        from_read, from_write = os.pipe()
        command = [sys.executable, '-I', os.path.abspath(__file__), 'worker', str(to_read), str(from_write)]
        nothing = subprocess.DEVNULL
        self.process = subprocess.Popen(command, pass_fds=(to_read, from_write), stdin=nothing, stdout=nothing,
                                        stderr=nothing)
        os.close(to_read)
        os.close(from_write)
        self.writer, self.reader, self.buffer = to_write, from_read, bytearray()

    # Lines.

    def send(self, message):
        data = (json.dumps(message) + '\n').encode()
        while data:
            self.wait([], [self.writer])
            try:
                data = data[os.write(self.writer, data[:65536]):]
            except OSError:
                raise self.gone() from None

    def receive(self):
        while b'\n' not in self.buffer:
            self.wait([self.reader], [])
            piece = os.read(self.reader, 1 << 20)
            if not piece or len(self.buffer) > LINE_LIMIT:
                raise self.gone()
            self.buffer += piece
        line, _, rest = self.buffer.partition(b'\n')
        self.buffer = rest
        try:
            return json.loads(line)
        except (ValueError, RecursionError):
            raise Ended('the answer broke the protocol') from None

    def wait(self, readers, writers):
        left = self.deadline - time.monotonic()
        if left <= 0 or not any(select.select(readers, writers, [], left)):
            raise OutOfTime

    def gone(self):
        """The error for a process that is gone; one that used up its processor time is out of time."""
        import signal
        try:
            code = self.process.wait(1)
        except subprocess.TimeoutExpired:
            code = None
        return OutOfTime() if code in (-signal.SIGXCPU, -signal.SIGKILL) else Ended('the answer ended the process')

    # Requests.

    def ask(self, message):
        """Sends an order and serves the functions that the answer calls back meanwhile."""
        self.send(message)
        while True:
            reply = self.receive()
            kind = reply[0] if isinstance(reply, list) and len(reply) > 1 else None
            if kind == 'raised' and len(reply) == 3 and isinstance(reply[1], list):
                raise raised([name for name in reply[1] if isinstance(name, str)], str(reply[2]))
            if kind == 'back' and len(reply) == 4:
                self.call_back(*reply[1:])
            elif kind in ('value', 'names'):
                return reply
            else:
                raise Ended('the answer broke the protocol')

    def call_back(self, number, args, kwargs):
        """Calls a function of the tests that was given to the answer."""
        if not (isinstance(number, int) and 0 <= number < len(self.functions)):
            raise Ended('the answer broke the protocol')
        args, kwargs = self.decode(args), self.decode(kwargs)
        if not (isinstance(args, list) and isinstance(kwargs, dict)):
            raise Ended('the answer broke the protocol')
        self.send(['value', self.dumps(self.functions[number](*args, **kwargs))])

    def value(self, message):
        return self.decode(self.ask(message)[1])

    def call(self, number, args, kwargs):
        reply = self.ask(['call', number, self.dumps((args, kwargs))])
        changed = reply[2] if len(reply) == 3 and isinstance(reply[2], dict) else {}
        for place, data in changed.items():
            if place.isdigit() and int(place) < len(args):
                refill(args[int(place)], self.decode(data))
        return self.decode(reply[1])

    def decode(self, data):
        try:
            return decode(data, self.take)
        except (ValueError, TypeError, LookupError, RecursionError, ArithmeticError) as error:
            raise Ended(f'the answer broke the protocol: {error}') from None

    def take(self, data):
        if data[0] != 'h':
            raise ValueError(data[0])
        kinds = {'__next__': Iterator, '__len__': Sized, '__iter__': Iterable}
        kind = next((kind for trait, kind in kinds.items() if trait in data[2]), Proxy)
        return kind(self, int(data[1]))

    def dumps(self, value):
        judge = self

        class Pickler(pickle.Pickler):
            def persistent_id(self, other):
                if isinstance(other, Proxy):
                    return ['h', other._number]
                if type(other) in (type(raised), type(judge.ask)):
                    judge.functions.append(other)
                    return ['k', len(judge.functions) - 1]
                return None

        stream = io.BytesIO()
        Pickler(stream).dump(value)
        return base64.b64encode(stream.getvalue()).decode()


def refill(target, new):
    """Does to an argument what the answer did to it in place."""
    if type(target) is not type(new):
        raise Ended('the answer broke the protocol')
    if isinstance(target, list):
        target[:] = new
    elif isinstance(target, (dict, set)):
        target.clear()
        target.update(new)


def raised(names, message):
    """The error that the answer raised, as the nearest builtin one."""
    for name in names:
        kind = getattr(builtins, name, None)
        if isinstance(kind, type) and issubclass(kind, BaseException):
            if kind in (SystemExit, KeyboardInterrupt, GeneratorExit, BaseException):
                return Ended(f'the answer raised {name}')
            try:
                error = kind(message)
            except TypeError:
                continue
            if isinstance(error, ImportError):
                error.of_the_answer = True
            return error
    return Exception(message)


# --- Tests ----------------------------------------------------------------------------------------------------

def equal(actual, expected):
    """`type_aware_equal` of OpenCompass 0.5.4 (Apache-2.0)."""
    if type(actual) is not type(expected):
        return False
    if isinstance(actual, (list, tuple)):
        return len(actual) == len(expected) and all(equal(a, e) for a, e in zip(actual, expected))
    if isinstance(actual, dict):
        return matched(list(actual.items()), list(expected.items()))
    if isinstance(actual, (set, frozenset)):
        return matched(list(actual), list(expected))
    try:
        result = actual == expected
    except Exception:
        return False
    return type(result) is bool and result


def matched(actual, expected):
    """Whether each item has a partner of its own, in any order."""
    if len(actual) != len(expected):
        return False
    for item in actual:
        place = next((i for i, other in enumerate(expected) if equal(item, other)), None)
        if place is None:
            return False
        del expected[place]
    return True


def type_aware(source):
    """Makes `assert a == b` compare by `equal`."""
    import ast
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare):
            test = node.test
            if len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
                name = ast.Name(id='__equal', ctx=ast.Load())
                node.test = ast.Call(func=name, args=[test.left, test.comparators[0]], keywords=[])
    return ast.fix_missing_locations(tree)


def names_of(code):
    """All names that compiled code and the functions in it use."""
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, type(code)):
            found |= names_of(constant)
    return found


def bring(judge, scope, names):
    """Makes names of the answer known to the tests."""
    found = judge.ask(['names', sorted(names)])[1]
    if not isinstance(found, dict):
        raise Ended('the answer broke the protocol')
    for name, data in found.items():
        if name.startswith('__') or name not in names:
            continue
        if isinstance(data, list) and data[0] == 'm':
            try:
                scope[name] = __import__('importlib').import_module(str(data[1]))
            except ImportError:
                continue
        else:
            scope[name] = judge.decode(data)


def run_test(judge, job):
    """`check(candidate)` of HumanEval, or asserts that name the answer's functions."""
    judge.ask(['run', job['code']])
    test = type_aware(job['test']) if job.get('type_aware') else job['test']
    code = compile(test, '<test>', 'exec')
    scope = {'__name__': '__test__', '__builtins__': builtins, '__equal': equal}
    entry = job.get('entry')
    bring(judge, scope, names_of(code) | ({entry} if entry else set()))
    candidate = scope.get(entry)
    exec(code, scope)
    if entry:
        if candidate is None:
            raise NameError(f"name '{entry}' is not defined")
        scope['check'](candidate)


def run_cases(judge, job):
    """Calls of one function with expected results: `fn_name` of APPS and its successors."""
    judge.ask(['run', job['code']])
    scope = {}
    bring(judge, scope, {job['entry'], 'Solution'})
    function = getattr(scope['Solution'](), job['entry']) if 'Solution' in scope else scope[job['entry']]
    for args, expected in job['cases']:
        args, expected = whole_keys(args), whole_keys([expected])[0]
        actual = function(*args)
        actual = list(actual) if isinstance(actual, tuple) else actual
        right = equal(actual, expected)
        if isinstance(expected, list) and expected:
            right = right or equal(actual, expected[0])
            if isinstance(actual, list) and actual and isinstance(actual[0], tuple):
                right = right or [list(item) for item in actual] == expected[0]
        assert right


def whole_keys(values):
    """Gives a first value that is a dictionary the whole numbers as keys that JSON made texts of."""
    try:
        return [{int(key): value for key, value in values[0].items()}] + values[1:]
    except (AttributeError, IndexError, TypeError, ValueError):
        return values


def main():
    text = sys.stdin.read()
    job = json.loads(text)
    hidden()
    judge = Judge(float(job['seconds']))
    reason = ''
    try:
        (run_cases if 'cases' in job else run_test)(judge, job)
        outcome = 'pass'
    except OutOfTime:
        outcome = 'timeout'
    except AssertionError as error:
        outcome, reason = 'wrong_answer', str(error)
    except BaseException as error:
        if isinstance(error, ImportError) and not getattr(error, 'of_the_answer', False):
            # The tests themselves lack a module: that says nothing about the answer.
            judge.process.kill()
            print(f'unavailable: needs the Python module {error.name}', file=sys.stderr, flush=True)
            os._exit(127)
        outcome, reason = 'failed', f'{type(error).__name__}: {error}'
    judge.process.kill()
    mark = hashlib.sha256(text.encode()).hexdigest()
    print(json.dumps({'outcome': outcome, 'reason': reason[:1000], 'mark': mark}), flush=True)
    # Not through the ends of files: a pipe whose other end is gone must not change the verdict.
    os._exit(0)


if __name__ == '__main__':
    if sys.argv[1:2] == ['worker']:
        worker(int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
