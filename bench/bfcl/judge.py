"""Judges calls by the leaderboard's own checker.

    python3 judge.py FOLDER < lines of {"id", "category", "calls"} > lines of {"id", "valid", "error"}

FOLDER is `bfcl_eval/data` of the package. Nothing else of the package is loaded: what it says of the models that it knows
needs the clients of every vendor, and the checker asks of it only whether names may have points.
"""

import json
import sys
import types
from pathlib import Path

folder = Path(sys.argv[1]).resolve()
sys.path.insert(0, str(folder.parent.parent))
models = types.ModuleType("bfcl_eval.constants.model_config")
models.MODEL_CONFIG_MAPPING = {"asked": types.SimpleNamespace(underscore_to_dot=True)}
sys.modules[models.__name__] = models

from bfcl_eval.constants.enums import Language  # noqa: E402
from bfcl_eval.eval_checker.ast_eval.ast_checker import ast_checker  # noqa: E402

LANGUAGES = {"simple_java": Language.JAVA, "simple_javascript": Language.JAVASCRIPT}


def lines_of(path):
    return {one["id"]: one for one in map(json.loads, path.read_text().splitlines())}


def judged(asked, question, answer):
    category = asked["category"]
    try:
        calls = [{call["name"]: json.loads(call["arguments"])} for call in asked["calls"]]
    except ValueError as error:
        return {"valid": False, "error": [f"not JSON: {error}"]}
    language = LANGUAGES.get(category, Language.PYTHON)
    if not all(isinstance(given, dict) for call in calls for given in call.values()):
        return {"valid": False, "error": ["arguments are no object"]}
    return ast_checker(
        question["function"], calls, answer["ground_truth"], language, category, "asked"
    )


known = {}
for line in sys.stdin:
    asked = json.loads(line)
    name = f"BFCL_v4_{asked['category']}.json"
    if name not in known:
        known[name] = (lines_of(folder / name), lines_of(folder / "possible_answer" / name))
    questions, answers = known[name]
    verdict = judged(asked, questions[asked["id"]], answers[asked["id"]])
    print(json.dumps({"id": asked["id"], "valid": verdict["valid"], "error": verdict["error"]}))
