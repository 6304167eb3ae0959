# Executes code.py and reports its answer as one JSON line. The code's own prints are captured, so only this program
# writes to the real stdout.
import ast, contextlib, io, json, os, sys
out = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
request = json.loads(sys.argv[1])
sys.argv = ["code.py"]
captured = io.StringIO()
answer = {}
try:
    with contextlib.redirect_stdout(captured):
        scope = {"__name__": "__main__"}
        code = open("code.py", encoding="utf-8").read()
        if "expression" in request or "symbol" in request or "stdout" in request:
            exec(compile(code, "code.py", "exec"), scope)
            if "expression" in request:
                answer["value"] = str(eval(request["expression"], scope))
            elif "symbol" in request:
                answer["value"] = str(scope[request["symbol"]])
        else:
            tree = ast.parse(code, "code.py")
            last = tree.body.pop() if tree.body else None
            exec(compile(tree, "code.py", "exec"), scope)
            if not isinstance(last, ast.Expr):
                raise SyntaxError("the last line is not an expression")
            answer["value"] = str(eval(compile(ast.Expression(last.value), "code.py", "eval"), scope))
    if "stdout" in request:
        answer["value"] = captured.getvalue().rstrip("\n")
except MemoryError:
    answer["memory"] = True
except BaseException as error:
    answer["error"] = repr(error)
print("\x1elagent-result " + json.dumps(answer), file=out, flush=True)
os._exit(0)
