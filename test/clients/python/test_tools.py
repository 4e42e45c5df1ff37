"""Tools with the official Python client against a running `npm start`, whose model has never learned to call any.

LOCALMODEL_URL as in test_openai.py.
"""

import contextlib
import io
import json
import pathlib
import re
import typing
import unittest

import openai
import pydantic
from test_openai import BASE_URL, MODEL, client

PAGE = pathlib.Path(__file__).parents[3] / "docs" / "tools.md"
QUESTION = [{"role": "user", "content": "What is the weather in Paris?"}]


class GetWeather(pydantic.BaseModel):
    """The weather in a city."""

    city: str = pydantic.Field(max_length=40)
    unit: typing.Literal["celsius", "fahrenheit"]


class Search(pydantic.BaseModel):
    query: str = pydantic.Field(max_length=40)
    pages: int = pydantic.Field(ge=1, le=9)


TOOLS = [openai.pydantic_function_tool(tool) for tool in (GetWeather, Search)]
SEARCH = {"type": "function", "function": {"name": "Search"}}


class Tools(unittest.TestCase):
    options = {
        "model": MODEL,
        "messages": QUESTION,
        "tools": TOOLS,
        "parallel_tool_calls": False,
        "seed": 1,
        "max_tokens": 200,
    }

    def test_what_is_required_is_called_and_parsed(self):
        answer = client().chat.completions.parse(tool_choice="required", **self.options)
        [call] = answer.choices[0].message.tool_calls
        self.assertIsInstance(call.function.parsed_arguments, (GetWeather, Search))
        self.assertEqual(answer.choices[0].finish_reason, "tool_calls")
        self.assertIsNone(answer.choices[0].message.content)

    def test_the_named_tool_is_called(self):
        answer = client().chat.completions.parse(tool_choice=SEARCH, **self.options)
        [call] = answer.choices[0].message.tool_calls
        self.assertIsInstance(call.function.parsed_arguments, Search)

    def test_none_is_called_when_none_may_be(self):
        answer = client().chat.completions.create(tool_choice="none", **self.options)
        self.assertFalse(answer.choices[0].message.tool_calls)

    def test_the_streaming_helper_hears_of_arguments_as_they_come(self):
        heard = []
        with client().chat.completions.stream(tool_choice=SEARCH, **self.options) as stream:
            for event in stream:
                if event.type == "tool_calls.function.arguments.delta":
                    heard.append(event.arguments_delta)
            completion = stream.get_final_completion()
        [call] = completion.choices[0].message.tool_calls
        self.assertEqual("".join(heard), call.function.arguments)
        self.assertGreater(len(heard), 2)
        self.assertIsInstance(call.function.parsed_arguments, Search)

    def test_functions_of_older_clients_are_called(self):
        options = {
            key: value
            for key, value in self.options.items()
            if key not in ("tools", "parallel_tool_calls")
        }
        answer = client().chat.completions.create(
            functions=[TOOLS[1]["function"]], function_call={"name": "Search"}, **options
        )
        call = answer.choices[0].message.function_call
        self.assertEqual(answer.choices[0].finish_reason, "function_call")
        Search.model_validate(json.loads(call.arguments))

    def test_the_program_of_the_documentation_works(self):
        [program] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
        program = program.replace("http://localhost:1234/v1", BASE_URL)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(program, str(PAGE), "exec"), {})
        self.assertTrue(printed.getvalue().strip())


if __name__ == "__main__":
    unittest.main()
