import assert from "node:assert/strict";
import { test } from "node:test";
import type { GenerateEvent } from "@localmodel/inference/generate.ts";
import { Failure } from "@localmodel/inference/failure.ts";
import * as fc from "fast-check";
import { messagesWire } from "./messages-wire.ts";

const head = { id: "msg_1", created: 1, model: "m", fingerprint: "fp" };
const messages = [{ role: "user", content: "Hi" }];

const understood = (body: object) => messagesWire.understand({ model: "m", messages, ...body });

function promptOf(body: object) {
  const [prompt] = understood(body).ask.prompts;
  assert.ok(prompt?.kind === "chat");
  return prompt;
}

function refusalOf(body: object): Failure {
  try {
    understood(body);
  } catch (error) {
    assert.ok(error instanceof Failure, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "It was not refused." });
}

const toolCall = (id: string, city: string) => ({
  id,
  type: "function",
  function: { name: "weather", arguments: JSON.stringify({ city }) },
});

const BEGUN = [...messages, { role: "assistant", content: [{ type: "text", text: "So" }] }];

test("an assistant's message at the end is the beginning of the answer, unless it calls or is empty", () => {
  const { messages: before, begun } = promptOf({ messages: BEGUN });
  assert.deepEqual([before, begun], [messages, { text: "So" }]);
  const call = { type: "tool_use", id: "t", name: "n", input: {} };
  for (const [content, left] of [
    ["", 1],
    [[{ type: "text", text: "I look." }, call], 2],
  ] as const) {
    const prompt = promptOf({ messages: [...messages, { role: "assistant", content }] });
    assert.deepEqual([prompt.messages.length, prompt.begun], [left, undefined]);
  }
});

test("the model is not told whom to bill", () => {
  const system = ["x-anthropic-billing-header: cc_version=2.1; cch=eb6c6;", "Be brief."].map(
    (text) => ({ type: "text", text }),
  );
  assert.deepEqual(promptOf({ system, messages }).messages, [
    { role: "system", content: "Be brief." },
    ...messages,
  ]);
});

test("what a client has found is text below where it is from", () => {
  const found = {
    type: "search_result",
    source: "https://example.com",
    title: "Tea",
    content: [{ type: "text", text: "Hot." }],
    citations: { enabled: true },
  };
  const result = { type: "tool_result", tool_use_id: "t", content: [found] };
  const prompt = promptOf({ messages: [{ role: "user", content: [result, found] }] });
  const text = "Tea\nhttps://example.com\nHot.";
  assert.deepEqual(
    prompt.messages.map(({ content }) => content),
    [text, text],
  );
});

test("a conversation with tools becomes what chat templates know", () => {
  const conversation = [
    { role: "user", content: "Weather in Paris and Rome?" },
    {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "Two calls.", signature: "c2ln" },
        { type: "redacted_thinking", data: "xyz" },
        { type: "text", text: "I look." },
        { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Paris" } },
        { type: "tool_use", id: "toolu_2", name: "weather", input: { city: "Rome" } },
      ],
    },
    {
      role: "user",
      content: [
        { type: "tool_result", tool_use_id: "toolu_1", content: "Rain" },
        {
          type: "tool_result",
          tool_use_id: "toolu_2",
          is_error: true,
          content: [{ type: "text", text: "No such city" }],
        },
        { type: "text", text: "And?", cache_control: { type: "ephemeral" } },
        {
          type: "document",
          title: "Notes",
          source: { type: "text", media_type: "text/plain", data: "Sun" },
        },
        {
          type: "document",
          source: { type: "content", content: [{ type: "text", text: "Moon" }] },
        },
      ],
    },
  ];
  const system = [
    { type: "text", text: "Be brief." },
    { type: "text", text: "Be kind." },
  ];
  assert.deepEqual(promptOf({ system, messages: conversation }).messages, [
    { role: "system", content: "Be brief.\nBe kind." },
    { role: "user", content: "Weather in Paris and Rome?" },
    {
      role: "assistant",
      content: "I look.",
      reasoning_content: "Two calls.",
      tool_calls: [toolCall("toolu_1", "Paris"), toolCall("toolu_2", "Rome")],
    },
    { role: "tool", tool_call_id: "toolu_1", content: "Rain" },
    { role: "tool", tool_call_id: "toolu_2", content: "Error: No such city" },
    { role: "user", content: "And?\nNotes\nSun\nMoon" },
  ]);
});

const tool = { name: "f", description: "d", input_schema: { type: "object" } };

test("a tool that is loaded later is offered once a result names it, or the choice does", () => {
  const tools = [
    { ...tool, name: "search" },
    { ...tool, name: "fetch", defer_loading: true },
    { ...tool, name: "send", defer_loading: true, input_schema: { type: "object", title: "Send" } },
  ];
  const offered = (fields: object) => {
    const { ask } = messagesWire.understand({
      model: "m",
      messages,
      tools,
      ...fields,
    });
    return ask.toolUse?.tools.map(({ name, field }) => [name, field]);
  };
  const search = ["search", "tools[0].input_schema"];
  const send = ["send", "tools[2].input_schema"];
  assert.deepEqual(offered({}), [search]);
  const use = { type: "tool_use", id: "t", name: "search", input: {} };
  const found = { type: "tool_reference", tool_name: "send" };
  const conversation = [
    { role: "user", content: "Hi" },
    { role: "assistant", content: [use] },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: [found] }] },
  ];
  assert.deepEqual(offered({ messages: conversation }), [search, send]);
  assert.equal(
    promptOf({ messages: conversation, tools }).messages.at(-1)?.content,
    "Tool loaded: send",
  );
  assert.deepEqual(offered({ tool_choice: { type: "tool", name: "send" } }), [search, send]);
  assert.equal(offered({ tools: tools.slice(1) }), undefined);
});

for (const [choice, expected] of [
  [undefined, { choice: "auto", parallel: true }],
  [
    { type: "auto", disable_parallel_tool_use: true },
    { choice: "auto", parallel: false },
  ],
  [{ type: "any" }, { choice: "required", parallel: false }],
  [
    { type: "any", disable_parallel_tool_use: false },
    { choice: "required", parallel: true },
  ],
  [
    { type: "tool", name: "f" },
    { choice: "required", parallel: false, among: ["f"] },
  ],
  [{ type: "none" }, { choice: "none", parallel: false }],
] as const) {
  test(`a choice of ${JSON.stringify(choice)} is understood`, () => {
    const { toolUse } = understood({ tools: [tool], tool_choice: choice ?? null }).ask;
    const { tools, ...rest } = toolUse ?? {};
    assert.deepEqual(rest, expected);
    assert.deepEqual(tools, [
      {
        name: "f",
        description: "d",
        parameters: { type: "object" },
        field: "tools[0].input_schema",
      },
    ]);
  });
}

for (const [thinking, variables, tokens] of [
  [null, { enable_thinking: false, thinking: false }, undefined],
  [{ type: "disabled" }, { enable_thinking: false, thinking: false }, undefined],
  [{ type: "adaptive" }, { enable_thinking: true, thinking: true }, undefined],
  [{ type: "enabled", budget_tokens: 2048 }, { enable_thinking: true, thinking: true }, 2048],
] as const) {
  test(`thinking ${JSON.stringify(thinking)} tells the template and bounds what is thought`, () => {
    const { ask } = understood({ thinking });
    assert.deepEqual(promptOf({ thinking }).templateVariables, variables);
    assert.equal(ask.reasoningTokens, tokens);
  });
}

for (const [what, body, field, code, words] of [
  [
    "a tool that Anthropic runs",
    { tools: [{ type: "web_search_20250305", name: "web_search", max_uses: 5 }] },
    "tools[0].type",
    "unsupported_tool",
    /web_search_20250305/,
  ],
  [
    "a tool that Anthropic defines",
    { tools: [tool, { type: "bash_20250124", name: "bash" }] },
    "tools[1].type",
    "unsupported_tool",
    /bash_20250124/,
  ],
  [
    "a tool without a schema",
    { tools: [{ name: "f" }] },
    "tools[0].input_schema",
    "missing_required_parameter",
    /input_schema/,
  ],
  [
    "a choice of a tool that is not there",
    { tools: [tool], tool_choice: { type: "tool", name: "g" } },
    "tool_choice.name",
    "invalid_value",
    /'f'/,
  ],
  [
    "a demand without tools",
    { tool_choice: { type: "any" } },
    "tool_choice",
    "invalid_value",
    /no tools/,
  ],
  [
    "two tools of a name",
    { tools: [tool, tool] },
    "tools[1].name",
    "invalid_value",
    /another tool/,
  ],
  ["no messages", { messages: [] }, "messages", "empty_array", /messages/],
  [
    "a role that is none",
    { messages: [{ role: "tool", content: "x" }] },
    "messages[0].role",
    "invalid_value",
    /'assistant'/,
  ],
  [
    "a block that is none",
    { messages: [{ role: "user", content: [{ type: "hologram" }] }] },
    "messages[0].content[0].type",
    "invalid_value",
    /'tool_result'/,
  ],
  [
    "a file",
    {
      messages: [
        {
          role: "user",
          content: [{ type: "document", source: { type: "base64", data: "JVBERi0=" } }],
        },
      ],
    },
    "messages[0].content[0].source",
    "model_not_multimodal",
    /a file/,
  ],
  [
    "an image that is no base64",
    {
      messages: [
        {
          role: "user",
          content: [
            { type: "image", source: { type: "base64", media_type: "image/png", data: "%" } },
          ],
        },
      ],
    },
    "messages[0].content[0].source",
    "invalid_base64_image",
    /not valid base64/,
  ],
  [
    "an answer that begins and is to be thought about",
    { messages: BEGUN, thinking: { type: "enabled", budget_tokens: 9 } },
    "thinking",
    "invalid_value",
    /thought about/,
  ],
  [
    "an answer that begins and is to have a form",
    { messages: BEGUN, output_config: { format: { type: "json_schema", schema: {} } } },
    "output_config.format",
    "invalid_value",
    /form/,
  ],
  [
    "an answer that begins with a space at its end",
    { messages: [...messages, { role: "assistant", content: "So " }] },
    "messages[1].content",
    "invalid_value",
    /trailing whitespace/,
  ],
  [
    "servers of tools",
    { mcp_servers: [{ type: "url", url: "https://example.com", name: "x" }] },
    "mcp_servers",
    "unsupported_parameter",
    /mcp_servers/,
  ],
] as const) {
  test(`${what} is refused by its place`, () => {
    const failure = refusalOf(body);
    assert.deepEqual([failure.field, failure.code], [field, code]);
    assert.match(failure.message, words);
    assert.equal(failure.data.retry, "never");
  });
}

const image = (byte: number) => ({
  type: "image",
  source: {
    type: "base64",
    media_type: "image/png",
    data: Buffer.of(byte).toString("base64"),
  },
});

test("the form of the answer has a schema, under its present name and the one that it had first", () => {
  const schema = { type: "object" };
  const format = { type: "json_schema", schema };
  const forms = [
    [{ output_config: { format } }, "output_config.format.schema"],
    [{ output_format: format }, "output_format.schema"],
  ] as const;
  for (const [body, field] of forms) {
    const { constraint } = understood(body).ask;
    assert.deepEqual(constraint, { grammar: { language: { kind: "schema", schema, field } } });
  }
});

test("images are numbered in the order of the conversation, and named by their places", () => {
  const far = { type: "image", source: { type: "url", url: "https://example.com/a.png" } };
  const result = {
    type: "tool_result",
    tool_use_id: "t",
    content: [{ type: "text", text: "Seen:" }, image(2)],
    is_error: true,
  };
  const content = [{ type: "text", text: "a" }, { type: "text", text: "b" }, image(1), result, far];
  const { ask } = understood({ messages: [{ role: "user", content }] });
  const [prompt] = ask.prompts;
  assert.ok(prompt?.kind === "chat");
  assert.deepEqual(prompt.messages, [
    {
      role: "user",
      content: [
        { type: "text", text: "a\nb" },
        { type: "image", picture: 0 },
      ],
    },
    {
      role: "tool",
      tool_call_id: "t",
      content: [
        { type: "text", text: "Error:" },
        { type: "text", text: "Seen:" },
        { type: "image", picture: 1 },
      ],
    },
    { role: "user", content: [{ type: "image", picture: 2 }] },
  ]);
  assert.deepEqual(
    ask.images?.map(({ field, source }) => [
      field,
      source.type === "file" ? [...source.bytes] : source.url,
    ]),
    [
      ["{prompt}[0].content[2]", [1]],
      ["{prompt}[0].content[3].content[1]", [2]],
      ["{prompt}[0].content[4]", "https://example.com/a.png"],
    ],
  );
});

test("fields without effect are named and not refused", () => {
  const body = { metadata: { user_id: "u" }, service_tier: "auto", speed: "fast", top_k: 5 };
  assert.deepEqual(understood(body).ignored, ["metadata", "service_tier", "speed"]);
});

const text = fc.oneof(fc.constantFrom("", " ", "\n\n", "a", " b"), fc.string({ maxLength: 5 }));
const piece = fc.oneof(
  text.map((said) => ({ type: "delta", choice: 0, text: said }) as const),
  text.map((said) => ({ type: "delta", choice: 0, text: said, isReasoning: true }) as const),
  fc.constantFrom("x", "y").map((name) => ({ name })),
);

/** The events of an answer: what is thought and said, and calls with the JSON of their arguments in two pieces. */
const answers = fc.array(piece, { maxLength: 12 }).map((pieces): readonly GenerateEvent[] => {
  let calls = 0;
  const usage = { promptTokens: 9, completionTokens: 4, cachedTokens: 2 };
  const said = pieces.flatMap((one): GenerateEvent[] => {
    if ("type" in one) return [one];
    const call = calls++;
    const { name } = one;
    return [
      { type: "tool_call", choice: 0, call, id: `call_${call}`, name },
      { type: "tool_arguments", choice: 0, call, text: '{"a":' },
      { type: "tool_arguments", choice: 0, call, text: `"${name}"}` },
    ];
  });
  return [
    { type: "accepted", promptTokens: 9 },
    { type: "started", choice: 0, cachedTokens: 2 },
    ...said,
    { type: "finish", choice: 0, reason: calls > 0 ? "tool_calls" : "stop" },
    { type: "done", usage },
  ];
});

type Frame = {
  readonly type: string;
  readonly index: number;
  readonly message: object;
  readonly content_block: { readonly type: string };
  readonly delta: { readonly [field: string]: string };
  readonly usage: object;
};

test("a stream tells block after block, and its client has the message that comes whole", () => {
  fc.assert(
    fc.property(answers, (events) => {
      const { stream, answer } = understood({ stream: true });
      const framesOf = stream?.(head);
      const frames = events.flatMap((event) => framesOf?.(event) ?? []);
      for (const { event, data } of frames) assert.equal(event, (data as Frame).type);
      assert.deepEqual(gathered(frames.map(({ data }) => data as Frame)), answer(head, events));
    }),
  );
});

/** As the official clients do it, and strict about the order. */
function gathered(frames: readonly Frame[]): object {
  let whole: Record<string, unknown> = {};
  const content: Record<string, unknown>[] = [];
  let open: { block: Record<string, unknown>; json: string } | undefined;
  for (const frame of frames) {
    if (frame.type === "message_start") whole = { ...frame.message };
    else if (frame.type === "message_delta") {
      whole = { ...whole, ...frame.delta, usage: frame.usage };
    } else if (frame.type === "content_block_start") {
      assert.equal(open, undefined);
      assert.equal(frame.index, content.length);
      open = { block: { ...frame.content_block }, json: "" };
    } else {
      assert.ok(open !== undefined && frame.index === content.length, frame.type);
      if (frame.type === "content_block_stop") {
        const { block, json } = open;
        content.push(json === "" ? block : { ...block, input: JSON.parse(json) });
        open = undefined;
        continue;
      }
      const { type: _, ...delta } = frame.delta;
      for (const [field, more] of Object.entries(delta)) {
        if (field === "partial_json") open.json += more;
        else open.block[field] = `${String(open.block[field])}${more}`;
      }
    }
  }
  assert.equal(open, undefined);
  return { ...whole, content };
}

test("white space makes no block between what is thought and what is called", () => {
  const events: GenerateEvent[] = [
    { type: "delta", choice: 0, text: "\n\n" },
    { type: "delta", choice: 0, text: "Hm", isReasoning: true },
    { type: "delta", choice: 0, text: "\n" },
    { type: "tool_call", choice: 0, call: 0, id: "c", name: "f" },
    { type: "finish", choice: 0, reason: "tool_calls" },
  ];
  const { content } = understood({}).answer(head, events) as { content: { type: string }[] };
  assert.deepEqual(
    content.map(({ type }) => type),
    ["thinking", "tool_use"],
  );
});

for (const [finish, reason, sequence] of [
  [{ reason: "stop" }, "end_turn", null],
  [{ reason: "stop", stop: "END" }, "stop_sequence", "END"],
  [{ reason: "length" }, "max_tokens", null],
  [{ reason: "length", contextIsFull: true }, "model_context_window_exceeded", null],
  [{ reason: "tool_calls" }, "tool_use", null],
] as const) {
  test(`an answer that ends with ${JSON.stringify(finish)} stops for ${reason}`, () => {
    const usage = { promptTokens: 9, completionTokens: 4, cachedTokens: 2, reasoningTokens: 1 };
    const events: GenerateEvent[] = [
      { type: "finish", choice: 0, ...finish },
      { type: "done", usage },
    ];
    assert.deepEqual(understood({}).answer(head, events), {
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "m",
      content: [],
      stop_reason: reason,
      stop_sequence: sequence,
      usage: {
        input_tokens: 7,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 2,
        output_tokens: 4,
        output_tokens_details: { thinking_tokens: 1 },
      },
    });
  });
}
