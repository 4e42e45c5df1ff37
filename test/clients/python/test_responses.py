"""Responses with the official Python client and the Agents SDK against a running `npm start`.

LOCALMODEL_URL as in test_openai.py.
"""

import asyncio
import contextlib
import io
import pathlib
import re
import unittest

import agents
import openai
import pydantic

from test_openai import BASE_URL, MODEL, client

PAGE = pathlib.Path(__file__).parents[3] / "docs" / "responses.md"
CAPITAL = {
    "model": MODEL,
    "instructions": "You are a helpful assistant.",
    "input": "Complete this: The capital of France is",
    "temperature": 0,
    "max_output_tokens": 24,
}
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 20}},
        "required": ["city"],
        "additionalProperties": False,
    },
}


class City(pydantic.BaseModel):
    name: str = pydantic.Field(max_length=20)
    people: int = pydantic.Field(ge=0, le=99)


class Responses(unittest.TestCase):
    def test_the_capital_of_france_is_paris(self):
        response = client().responses.create(**CAPITAL)
        self.assertIn("Paris", response.output_text)
        self.assertEqual(response.status, "completed")
        self.assertGreater(response.usage.input_tokens, 10)

    def test_a_stream_gives_the_same_text(self):
        events = list(client().responses.create(stream=True, **CAPITAL))
        text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
        self.assertEqual(text, client().responses.create(**CAPITAL).output_text)
        self.assertEqual([e.sequence_number for e in events], list(range(len(events))))
        self.assertEqual(events[-1].type, "response.completed")
        self.assertEqual(events[-1].response.output_text, text)

    def test_the_streaming_helper_assembles_the_response(self):
        with client().responses.stream(**CAPITAL) as stream:
            self.assertIn("Paris", stream.get_final_response().output_text)

    def test_parse_gives_the_model_that_was_asked_for(self):
        asked = {**CAPITAL, "max_output_tokens": 200}
        response = client().responses.parse(text_format=City, **asked)
        self.assertIsInstance(response.output_parsed, City)

    def test_what_is_required_is_called_and_its_result_is_taken(self):
        asked = {**CAPITAL, "tools": [WEATHER], "max_output_tokens": 100}
        first = client().responses.create(tool_choice="required", **asked)
        [call] = first.output
        self.assertEqual((call.type, call.name), ("function_call", "get_weather"))
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "Sunny"}
        second = client().responses.create(
            **{**asked, "input": [result], "tool_choice": "none"}, previous_response_id=first.id
        )
        self.assertEqual(second.output[-1].type, "message")

    def test_a_conversation_is_kept_listed_and_deleted(self):
        responses = client().responses
        first = responses.create(**CAPITAL)
        second = responses.create(**{**CAPITAL, "input": "And?"}, previous_response_id=first.id)
        self.assertGreater(second.usage.input_tokens, first.usage.input_tokens)
        self.assertEqual(second.previous_response_id, first.id)
        items = list(responses.input_items.list(second.id, order="asc"))
        self.assertEqual([item.role for item in items], ["user", "assistant", "user"])
        self.assertEqual(responses.retrieve(first.id).output_text, first.output_text)
        responses.delete(first.id)
        with self.assertRaises(openai.NotFoundError) as raised:
            responses.create(**CAPITAL, previous_response_id=first.id)
        self.assertEqual(raised.exception.code, "previous_response_not_found")

    def test_hosted_tools_are_refused_by_name(self):
        with self.assertRaises(openai.BadRequestError) as raised:
            client().responses.create(tools=[{"type": "web_search"}], **CAPITAL)
        self.assertEqual(raised.exception.param, "tools[0].type")


def agent_model() -> agents.OpenAIResponsesModel:
    connected = openai.AsyncOpenAI(base_url=BASE_URL, api_key="any", timeout=120)
    return agents.OpenAIResponsesModel(model=MODEL, openai_client=connected)


class Agents(unittest.TestCase):
    def setUp(self):
        agents.set_tracing_disabled(True)

    def test_a_tool_is_run_and_its_result_is_taken_by_another_agent(self):
        asked = []

        @agents.function_tool
        def get_weather(city: str) -> str:
            """The weather in a city."""
            asked.append(city)
            return "Sunny."

        agent = agents.Agent(
            name="Weather",
            model=agent_model(),
            tools=[get_weather],
            tool_use_behavior="stop_on_first_tool",
            model_settings=agents.ModelSettings(
                tool_choice="required", max_tokens=60, temperature=0
            ),
        )
        called = agents.Runner.run_sync(agent, "What is the weather in Paris?")
        self.assertEqual((len(asked), called.final_output), (1, "Sunny."))
        settings = agents.ModelSettings(max_tokens=40, temperature=0)
        speaker = agents.Agent(name="Speaker", model=agent_model(), model_settings=settings)
        told = agents.Runner.run_sync(speaker, called.to_input_list())
        self.assertGreater(len(told.final_output), 0)

    def test_an_answer_has_the_type_that_was_asked_for(self):
        settings = agents.ModelSettings(max_tokens=200, temperature=0)
        agent = agents.Agent(
            name="Cities", model=agent_model(), output_type=City, model_settings=settings
        )
        self.assertIsInstance(agents.Runner.run_sync(agent, "A city?").final_output, City)

    def test_a_stream_is_heard_as_it_comes(self):
        async def heard() -> str:
            settings = agents.ModelSettings(max_tokens=24, temperature=0)
            agent = agents.Agent(
                name="Assistant",
                instructions=CAPITAL["instructions"],
                model=agent_model(),
                model_settings=settings,
            )
            result = agents.Runner.run_streamed(agent, "Complete this: The capital of France is")
            pieces = [
                event.data.delta
                async for event in result.stream_events()
                if event.type == "raw_response_event"
                and event.data.type == "response.output_text.delta"
            ]
            self.assertEqual("".join(pieces), result.final_output)
            return result.final_output

        self.assertIn("Paris", asyncio.run(heard()))


class Documentation(unittest.TestCase):
    def test_the_examples_print_their_answers(self):
        examples = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
        self.assertEqual(len(examples), 2)
        for example in examples:
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(example.replace("http://localhost:1234/v1", BASE_URL), {"__name__": "example"})
            self.assertIn("Paris", printed.getvalue())
