"""Answers of a form through the official Python client: its helpers, and the example of the documentation."""

import contextlib
import io
import json
import pathlib
import re
import unittest
from enum import Enum
from typing import Optional

import openai
from pydantic import BaseModel, Field

from test_openai import BASE_URL, MODEL, client

PAGE = pathlib.Path(__file__).parents[3] / "docs" / "structured-output.md"


class Mood(str, Enum):
    good = "good"
    bad = "bad"


class Step(BaseModel):
    what: str = Field(max_length=30)
    minutes: int = Field(ge=0, le=90)


class Plan(BaseModel):
    title: str = Field(max_length=30)
    mood: Mood
    note: Optional[str] = Field(max_length=10)
    steps: list[Step] = Field(max_length=3)


ASK = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "Plan my day, as JSON."}],
    "temperature": 2,
    "max_tokens": 400,
}


class StructuredOutput(unittest.TestCase):
    def test_parse_gives_the_model_that_was_asked_for(self):
        answer = client().chat.completions.parse(response_format=Plan, n=2, **ASK)
        for choice in answer.choices:
            self.assertIsInstance(choice.message.parsed, Plan)
            self.assertEqual(choice.finish_reason, "stop")

    def test_a_stream_ends_with_the_model_that_was_asked_for(self):
        with client().chat.completions.stream(response_format=Plan, **ASK) as stream:
            answer = stream.get_final_completion()
        self.assertIsInstance(answer.choices[0].message.parsed, Plan)

    def test_json_mode_gives_an_object(self):
        schema = {"type": "object", "properties": {"a": {"type": "null"}}}
        format = {"type": "json_object", "schema": schema}
        answer = client().chat.completions.create(response_format=format, **ASK)
        self.assertIn(json.loads(answer.choices[0].message.content), [{}, {"a": None}])

    def test_fields_of_other_servers_go_through_extra_body(self):
        body = {"structured_outputs": {"choice": ["yes", "no"]}}
        answer = client().chat.completions.create(extra_body=body, **ASK)
        self.assertIn(answer.choices[0].message.content, ["yes", "no"])

    def test_what_cannot_be_guaranteed_is_named(self):
        schema = {"properties": {"a": {"type": "string", "pattern": "(b)\\1"}}}
        format = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
        with self.assertRaises(openai.BadRequestError) as raised:
            client().chat.completions.create(response_format=format, **ASK)
        path = "response_format.json_schema.schema.properties.a.pattern"
        self.assertEqual(raised.exception.param, path)

    def test_the_example_of_the_documentation_prints_a_city(self):
        example = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.S).group(1)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(example.replace("http://localhost:1234/v1", BASE_URL), {"__name__": "example"})
        self.assertRegex(printed.getvalue(), r"name=.* country=.* is_capital=(True|False)")


if __name__ == "__main__":
    unittest.main()
