"""The official Anthropic client for Python against a running `npm start`. LOCALMODEL_URL as in test_openai.py."""

import contextlib
import io
import pathlib
import re
import unittest

import anthropic
from test_openai import BASE_URL, MODEL

PAGE = pathlib.Path(__file__).parents[3] / "docs" / "anthropic.md"
QUESTION = [{"role": "user", "content": "Complete this: The capital of France is"}]
WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string", "enum": ["Paris", "Rome"]}},
        "required": ["city"],
        "additionalProperties": False,
    },
}


def client(**options) -> anthropic.Anthropic:
    url = BASE_URL.removesuffix("/v1")
    return anthropic.Anthropic(base_url=url, api_key="any", timeout=120, **options)


class Messages(unittest.TestCase):
    def ask(self, **options):
        defaults = {"model": MODEL, "messages": QUESTION, "max_tokens": 24}
        return client().messages.create(
            **{**defaults, **options}, extra_body={"temperature": 0}
        )

    def test_the_capital_of_france_is_paris(self):
        message = self.ask(system="You are a helpful assistant.")
        self.assertIn("Paris", message.content[0].text)
        self.assertEqual(message.stop_reason, "end_turn")
        self.assertTrue(message._request_id)

    def test_the_streaming_helper_has_the_same_message(self):
        with client().messages.stream(
            model=MODEL, messages=QUESTION, max_tokens=24, extra_body={"temperature": 0}
        ) as stream:
            text = "".join(stream.text_stream)
            message = stream.get_final_message()
        self.assertEqual(text, message.content[0].text)
        self.assertEqual(text, self.ask().content[0].text)
        self.assertGreater(message.usage.output_tokens, 3)

    def test_a_tool_is_called_and_its_result_goes_on(self):
        answer = self.ask(tools=[WEATHER], tool_choice={"type": "any"}, max_tokens=200)
        self.assertEqual(answer.stop_reason, "tool_use")
        (use,) = answer.content
        self.assertEqual(use.name, "get_weather")
        self.assertIn(use.input["city"], ["Paris", "Rome"])
        result = {"type": "tool_result", "tool_use_id": use.id, "content": "Rain"}
        conversation = [
            *QUESTION,
            {"role": "assistant", "content": answer.content},
            {"role": "user", "content": [result]},
        ]
        following = self.ask(
            tools=[WEATHER], tool_choice={"type": "none"}, messages=conversation
        )
        self.assertIn(following.stop_reason, ["end_turn", "max_tokens"])

    def test_tokens_are_counted_as_they_are_used(self):
        counted = client().messages.count_tokens(model=MODEL, messages=QUESTION).input_tokens
        usage = self.ask(max_tokens=1).usage
        self.assertEqual(counted, usage.input_tokens + usage.cache_read_input_tokens)

    def test_errors_are_its_own(self):
        with self.assertRaises(anthropic.NotFoundError) as caught:
            self.ask(model="nobody")
        self.assertEqual(caught.exception.body["error"]["type"], "not_found_error")
        self.assertTrue(caught.exception.request_id)
        with self.assertRaises(anthropic.BadRequestError):
            self.ask(tools=[{"type": "web_search_20250305", "name": "web_search"}])


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
