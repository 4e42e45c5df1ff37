"""The official Python client against a running `npm start`.

    python -m unittest discover --start-directory test/clients/python

LOCALMODEL_URL is the base URL (default http://localhost:1234/v1), LOCALMODEL_PID the process that was
started: below it the tests look for the engine they kill.
"""

import asyncio
import os
import pathlib
import signal
import threading
import unittest

import openai

BASE_URL = os.environ.get("LOCALMODEL_URL", "http://localhost:1234/v1")
MODEL = "smollm2-135m"
CAPITAL = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "Complete this: The capital of France is"},
]


def client(**options) -> openai.OpenAI:
    return openai.OpenAI(base_url=BASE_URL, api_key="any", timeout=120, **options)


class Models(unittest.TestCase):
    def test_the_model_is_listed_and_found(self):
        self.assertIn(MODEL, [model.id for model in client().models.list()])
        self.assertEqual(client().models.retrieve(MODEL).object, "model")


class Chat(unittest.TestCase):
    def ask(self, **options):
        defaults = {"model": MODEL, "messages": CAPITAL, "temperature": 0, "max_tokens": 24}
        return client().chat.completions.create(**{**defaults, **options})

    def test_the_capital_of_france_is_paris(self):
        answer = self.ask()
        self.assertIn("Paris", answer.choices[0].message.content)
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertIsNone(answer.choices[0].message.refusal)
        self.assertEqual(
            answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens
        )

    def test_a_stream_gives_the_same_text_and_its_usage(self):
        stream = self.ask(stream=True, stream_options={"include_usage": True})
        chunks = list(stream)
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        self.assertEqual(text, self.ask().choices[0].message.content)
        self.assertGreater(chunks[-1].usage.completion_tokens, 3)
        self.assertEqual(len({chunk.id for chunk in chunks}), 1)

    def test_the_streaming_helper_assembles_the_answer(self):
        with client().chat.completions.stream(
            model=MODEL, messages=CAPITAL, temperature=0, max_tokens=24
        ) as stream:
            self.assertIn("Paris", stream.get_final_completion().choices[0].message.content)

    def test_a_seed_repeats_its_answer(self):
        texts = [
            self.ask(temperature=1.2, seed=seed).choices[0].message.content for seed in (3, 3, 4)
        ]
        self.assertEqual(texts[0], texts[1])
        self.assertNotEqual(texts[0], texts[2])

    def test_several_choices_come_with_their_logprobs(self):
        answer = self.ask(n=3, temperature=1, logprobs=True, top_logprobs=2, max_tokens=4)
        self.assertEqual([choice.index for choice in answer.choices], [0, 1, 2])
        for choice in answer.choices:
            tokens = "".join(entry.token for entry in choice.logprobs.content)
            self.assertEqual(tokens, choice.message.content)

    def test_a_stop_string_is_left_out(self):
        self.assertEqual(self.ask(stop=[" capital of"]).choices[0].message.content, "The")

    def test_every_answer_has_a_request_id(self):
        self.assertTrue(self.ask()._request_id)

    def test_the_asynchronous_client_leaves_a_stream_and_asks_again(self):
        async def leave_and_ask():
            async with openai.AsyncOpenAI(base_url=BASE_URL, api_key="any") as asynchronous:
                ask = asynchronous.chat.completions.create
                stream = await ask(model=MODEL, messages=CAPITAL, stream=True, max_tokens=500)
                async for _ in stream:
                    break
                await stream.close()
                return await ask(model=MODEL, messages=CAPITAL, max_tokens=4, temperature=0)

        self.assertTrue(asyncio.run(leave_and_ask()).choices[0].message.content)


class Completions(unittest.TestCase):
    def test_a_prompt_is_continued(self):
        answer = client().completions.create(
            model=MODEL, prompt="The capital of France is", temperature=0, max_tokens=6
        )
        self.assertIn("Paris", answer.choices[0].text)

    def test_echo_scores_a_prompt(self):
        answer = client().completions.create(
            model=MODEL, prompt="One two three", echo=True, max_tokens=0, logprobs=1
        )
        logprobs = answer.choices[0].logprobs
        self.assertEqual("".join(logprobs.tokens), "One two three")
        self.assertIsNone(logprobs.token_logprobs[0])

    def test_a_stream_of_several_prompts_gives_each_its_text(self):
        stream = client().completions.create(
            model=MODEL, prompt=["One two", "Red green"], max_tokens=5, stream=True
        )
        self.assertEqual({chunk.choices[0].index for chunk in stream if chunk.choices}, {0, 1})


class Errors(unittest.TestCase):
    def test_embeddings_of_a_chat_model_are_a_bad_request(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            client().embeddings.create(model=MODEL, input="water")
        self.assertEqual(caught.exception.code, "model_not_capable")

    def test_an_unknown_model_is_not_found(self):
        with self.assertRaises(openai.NotFoundError) as caught:
            client().chat.completions.create(model="gpt-4o", messages=CAPITAL)
        self.assertEqual(caught.exception.code, "model_not_found")
        self.assertIn(MODEL, caught.exception.message)

    def test_a_parameter_out_of_range_is_named(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            client().chat.completions.create(model=MODEL, messages=CAPITAL, temperature=9)
        self.assertEqual(caught.exception.param, "temperature")

    def test_a_prompt_that_does_not_fit_is_told_as_openai_does(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            client().completions.create(model=MODEL, prompt="word " * 20_000)
        self.assertEqual(caught.exception.code, "context_length_exceeded")
        self.assertIn("maximum context length is", caught.exception.message)

    def test_a_tool_whose_schema_cannot_be_guaranteed_is_refused_with_its_place(self):
        parameters = {"type": "object", "properties": {"x": {"$ref": "#/$defs/none"}}}
        with self.assertRaises(openai.BadRequestError) as caught:
            client().chat.completions.create(
                model=MODEL,
                messages=CAPITAL,
                tools=[{"type": "function", "function": {"name": "f", "parameters": parameters}}],
                tool_choice="required",
            )
        self.assertTrue(
            caught.exception.param.startswith("tools[0].function.parameters.properties.x"),
            caught.exception.param,
        )


class Retries(unittest.TestCase):
    def test_a_killed_engine_costs_patience_and_no_answer(self):
        os.kill(engine_below(int(os.environ["LOCALMODEL_PID"])), signal.SIGKILL)
        answers = []

        def ask():
            completion = client(max_retries=6).completions.create(
                model=MODEL, prompt="The capital of France is", temperature=0, max_tokens=6
            )
            answers.append(completion.choices[0].text)

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(answers), 6)
        self.assertTrue(all("Paris" in text for text in answers), answers)


def engine_below(root: int) -> int:
    """The process id of the first engine among the descendants of `root`."""
    parents = {}
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text().rpartition(")")[2].split()
                command = (folder / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue  # it ended while we were looking
            parents[int(folder.name)] = (int(stat[1]), command)
    for pid, (parent, command) in parents.items():
        ancestor = parent
        while ancestor not in (0, 1, root):
            ancestor = parents.get(ancestor, (0, ""))[0]
        if ancestor == root and "engine/main.ts" in command:
            return pid
    raise AssertionError(f"there is no engine below process {root}")


if __name__ == "__main__":
    unittest.main()
