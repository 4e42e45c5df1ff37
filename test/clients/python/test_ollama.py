"""The official Ollama client for Python against a running `npm start`. LOCALMODEL_URL as in test_openai.py."""

import contextlib
import io
import pathlib
import re
import unittest

import ollama
from test_openai import BASE_URL, CAPITAL, MODEL

PAGE = pathlib.Path(__file__).parents[3] / "docs" / "ollama.md"
OPTIONS = {"temperature": 0, "num_predict": 24}


def client() -> ollama.Client:
    return ollama.Client(host=BASE_URL.removesuffix("/v1"), timeout=120)


class Ollama(unittest.TestCase):
    def test_the_model_is_listed_shown_and_running(self):
        self.assertIn(MODEL, [one.model for one in client().list().models])
        self.assertIn("completion", client().show(MODEL).capabilities)
        client().generate(model=MODEL, prompt="Hi", options={"num_predict": 1})
        self.assertIn(MODEL, [one.model for one in client().ps().models])

    def test_a_stream_says_what_the_whole_answer_says(self):
        asked = {"model": MODEL, "messages": CAPITAL, "options": OPTIONS}
        whole = client().chat(**asked)
        self.assertIn("Paris", whole.message.content)
        self.assertEqual(whole.done_reason, "stop")
        parts = list(client().chat(**asked, stream=True))
        self.assertEqual("".join(one.message.content for one in parts), whole.message.content)
        self.assertEqual(parts[-1].eval_count, whole.eval_count)

    def test_an_answer_has_the_form_that_is_asked_for(self):
        form = {"type": "string", "enum": ["Paris", "Rome"]}
        answer = client().generate(
            model=MODEL, prompt=CAPITAL[1]["content"], format=form, options=OPTIONS
        )
        self.assertIn(answer.response, ['"Paris"', '"Rome"'])

    def test_errors_are_its_own(self):
        with self.assertRaises(ollama.ResponseError) as caught:
            client().chat(model="nobody", messages=CAPITAL)
        self.assertEqual(caught.exception.status_code, 404)


class Documentation(unittest.TestCase):
    def test_the_example_prints_an_answer(self):
        [example] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
        printed = io.StringIO()
        url = BASE_URL.removesuffix("/v1")
        with contextlib.redirect_stdout(printed):
            exec(example.replace("http://localhost:1234", url), {"__name__": "example"})
        self.assertRegex(printed.getvalue(), "[A-Za-z]")


if __name__ == "__main__":
    unittest.main()
