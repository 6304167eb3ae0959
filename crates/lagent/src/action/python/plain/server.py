# Runs pieces of code in one namespace. Each piece and each result is a line with a length and so many bytes of JSON.
import ast, io, json, os, signal, sys, traceback

frames_in = os.fdopen(os.dup(0), "rb")
frames_out = os.fdopen(os.dup(1), "wb")
nothing = os.open(os.devnull, os.O_RDWR)
os.dup2(nothing, 0)
os.dup2(2, 1)
LIMIT = int(sys.argv[1])
sys.argv = [""]
sys.path.insert(0, "")
scope = {"__name__": "__main__", "__builtins__": __builtins__}


class Capture(io.TextIOBase):
    def __init__(self):
        self.kept, self.size, self.over = [], 0, False

    def writable(self):
        return True

    def write(self, text):
        if self.over:
            raise OSError("output cut at %d bytes" % LIMIT)
        room = LIMIT - self.size
        encoded = text.encode("utf-8", "replace")
        if len(encoded) > room:
            self.over, encoded = True, encoded[:room]
        self.size += len(encoded)
        self.kept.append(encoded.decode("utf-8", "ignore"))
        return len(text)


def run(code):
    result = {"text": "", "value": None, "error": None}
    capture = Capture()
    sys.stdout = sys.stderr = capture
    # Code may have changed it; only code is interrupted.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        tree = ast.parse(code, "<cell>")
        last = None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = ast.Expression(tree.body.pop().value)
        exec(compile(tree, "<cell>", "exec"), scope)
        if last is not None:
            value = eval(compile(last, "<cell>", "eval"), scope)
            if value is not None:
                scope["_"] = value
                result["value"] = repr(value)
    except BaseException as error:
        cause = error.__traceback__
        result["error"] = "".join(traceback.format_exception(type(error), error, cause and (cause.tb_next or cause)))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    result["text"] = "".join(capture.kept)
    if capture.over and result["error"] is None:
        result["error"] = "output cut at %d bytes" % LIMIT
    for name in ("value", "error"):
        if result[name] is not None:
            result[name] = result[name][:LIMIT]
    return result


signal.signal(signal.SIGINT, signal.SIG_IGN)
frames_out.write(b"0\n")
frames_out.flush()
while True:
    line = frames_in.readline()
    if not line:
        break
    code = json.loads(frames_in.read(int(line)))
    try:
        answer = json.dumps(run(code)).encode()
    except BaseException as error:
        answer = json.dumps({"text": "", "value": None, "error": repr(error)}).encode()
    frames_out.write(b"%d\n" % len(answer) + answer)
    frames_out.flush()
