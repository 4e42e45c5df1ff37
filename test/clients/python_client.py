"""The official Python client against a running LocalModel, as a user would write it.

    OPENAI_BASE_URL=http://localhost:1234/v1 python test/clients/python_client.py -v

Needs the model of examples/smollm2-135m.yaml. The client's own retries stay on: a test that passes only
because a request was repeated would show in the server's answers, not here.
"""

import threading
import unittest

import openai

MODEL = "smollm2-135m"


class PythonClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = openai.OpenAI(api_key="any")

    @classmethod
    def tearDownClass(cls):
        cls.client.close()

    def chat(self, text="Why is the sky blue?", **options):
        messages = [{"role": "user", "content": text}]
        options = {"max_tokens": 12, "temperature": 0, **options}
        return self.client.chat.completions.create(model=MODEL, messages=messages, **options)

    def test_lists_and_retrieves_models(self):
        self.assertIn(MODEL, [model.id for model in self.client.models.list()])
        self.assertEqual(self.client.models.retrieve(MODEL).object, "model")

    def test_completes_what_the_model_knows(self):
        answer = self.client.completions.create(
            model=MODEL, prompt="The capital of France is", max_tokens=3, temperature=0
        )
        self.assertIn("Paris", answer.choices[0].text)
        self.assertEqual(answer.usage.completion_tokens, 3)

    def test_streams_the_text_it_answers_without_streaming(self):
        whole = self.chat()
        chunks = list(self.chat(stream=True, stream_options={"include_usage": True}))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        self.assertEqual(text, whole.choices[0].message.content)
        self.assertEqual(chunks[-1].usage.completion_tokens, whole.usage.completion_tokens)
        self.assertEqual(len({chunk.id for chunk in chunks}), 1)

    def test_gives_log_probabilities(self):
        answer = self.chat(max_tokens=3, logprobs=True, top_logprobs=2)
        content = answer.choices[0].logprobs.content
        self.assertEqual(len(content), 3)
        self.assertTrue(all(len(token.top_logprobs) == 2 for token in content))

    def test_gives_several_choices(self):
        answer = self.chat(n=3, temperature=1, seed=1)
        self.assertEqual([choice.index for choice in answer.choices], [0, 1, 2])
        self.assertEqual(len({choice.message.content for choice in answer.choices}), 3)

    def test_repeats_itself_with_a_seed(self):
        texts = {self.chat(temperature=1, seed=7).choices[0].message.content for _ in range(2)}
        self.assertEqual(len(texts), 1)

    def test_stops_at_a_stop_string_without_showing_it(self):
        text = self.chat(stop=[" blue"], max_tokens=40).choices[0].message.content
        self.assertNotIn(" blue", text)

    def test_raises_the_classes_that_callers_catch(self):
        with self.assertRaises(openai.NotFoundError) as unknown:
            self.client.chat.completions.create(model="gpt-4o", messages=[])
        self.assertEqual(unknown.exception.code, "model_not_found")
        with self.assertRaises(openai.BadRequestError) as wrong:
            self.chat(temperature=7)
        self.assertEqual(wrong.exception.param, "temperature")
        with self.assertRaises(openai.BadRequestError) as long:
            self.chat("word " * 20_000)
        self.assertEqual(long.exception.code, "context_length_exceeded")
        with self.assertRaises(openai.BadRequestError):
            self.client.embeddings.create(model=MODEL, input="a chat model cannot embed")
        self.assertTrue(wrong.exception.request_id)

    def test_serves_more_threads_than_slots(self):
        answers = []
        ask = lambda: answers.append(self.chat(max_tokens=4).choices[0].finish_reason)
        threads = [threading.Thread(target=ask) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, ["length"] * 12)

    def test_lets_go_of_a_stream_in_the_middle(self):
        with self.chat(stream=True, max_tokens=2000) as stream:
            next(iter(stream))
        self.assertEqual(self.chat(max_tokens=1).usage.completion_tokens, 1)


if __name__ == "__main__":
    unittest.main()
