"""Frameworks that ask for structure, against a running `npm start` whose model has never learned to give any.

Each asks in ways of its own (a demanded tool, a schema, a schema in a stream), and validates what it gets.
LOCALMODEL_URL as in test_openai.py.
"""

import asyncio
import unittest
from typing import Annotated, Literal

import agents
import openai
from pydantic import BaseModel, Field
from pydantic_ai import Agent, NativeOutput, ToolOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from test_openai import BASE_URL, MODEL

QUESTION = "What is the weather in Paris?"


class Weather(BaseModel):
    """The weather in a city."""

    city: str = Field(max_length=30)
    sky: Literal["clear", "cloudy"]
    degrees: int = Field(ge=-60, le=60)


class PydanticAi(unittest.TestCase):
    def agent(self, output, **options) -> Agent:
        provider = OpenAIProvider(base_url=BASE_URL, api_key="any")
        settings = {"max_tokens": 300, "seed": 1}
        model = OpenAIChatModel(MODEL, provider=provider)
        return Agent(model, output_type=output, model_settings=settings, **options)

    def test_a_tool_is_the_output(self):
        result = self.agent(ToolOutput(Weather), retries=0).run_sync(QUESTION)
        self.assertIsInstance(result.output, Weather)

    def test_a_schema_is_the_output(self):
        result = self.agent(NativeOutput(Weather), retries=0).run_sync(QUESTION)
        self.assertIsInstance(result.output, Weather)

    def test_a_stream_ends_with_the_output(self):
        async def last():
            async with self.agent(ToolOutput(Weather), retries=0).run_stream(QUESTION) as result:
                return await result.get_output()

        self.assertIsInstance(asyncio.run(last()), Weather)


class Agents(unittest.TestCase):
    """OpenAI's agents, with the chat model."""

    def run_streamed(self, **options):
        agents.set_tracing_disabled(True)
        asking = openai.AsyncOpenAI(base_url=BASE_URL, api_key="any", max_retries=0)
        agent = agents.Agent(
            name="weather",
            instructions="Say what the weather is.",
            model=agents.OpenAIChatCompletionsModel(model=MODEL, openai_client=asking),
            **options,
        )

        async def last():
            async with asking:
                result = agents.Runner.run_streamed(agent, QUESTION, max_turns=1)
                async for _ in result.stream_events():
                    pass
                return result.final_output

        return asyncio.run(last())

    def test_the_output_is_of_its_type(self):
        settings = agents.ModelSettings(max_tokens=300)
        output = self.run_streamed(output_type=Weather, model_settings=settings)
        self.assertIsInstance(output, Weather)

    def test_a_demanded_tool_is_run_with_arguments_of_its_types(self):
        called = []

        @agents.function_tool
        def tell(city: Literal["Paris", "Rome"], days: Annotated[int, Field(ge=1, le=14)]) -> str:
            """Tells the weather."""
            called.append((city, days))
            return "It is clear."

        settings = agents.ModelSettings(tool_choice="required", max_tokens=300)
        told = self.run_streamed(
            tools=[tell], model_settings=settings, tool_use_behavior="stop_on_first_tool"
        )
        [(city, days)] = called
        self.assertIn(city, ["Paris", "Rome"])
        self.assertIn(days, range(1, 15))
        self.assertEqual(told, "It is clear.")


if __name__ == "__main__":
    unittest.main()
