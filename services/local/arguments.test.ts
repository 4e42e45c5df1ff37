import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Command, parseCommand } from "./arguments.ts";

const run = (paths: string[], host = "127.0.0.1", port = 1234, access = {}): Command => ({
  type: "run",
  arguments: { paths, host, port, origins: [], allowedVariables: [], engine: {}, ...access },
});

describe("the command line", () => {
  const cases: [string[], Command][] = [
    [[], run([])],
    [["a.yaml", "b"], run(["a.yaml", "b"])],
    [["--port", "0", "m.gguf", "--host=0.0.0.0"], run(["m.gguf"], "0.0.0.0", 0)],
    [["--host", "::1"], run([], "::1")],
    [["--", "--odd.yaml"], run(["--odd.yaml"])],
    [["--keys", "k.yaml"], run([], "127.0.0.1", 1234, { keysFile: "k.yaml" })],
    [
      ["--cors", "http://localhost:3000", "--cors=*"],
      run([], "127.0.0.1", 1234, { origins: ["http://localhost:3000", "*"] }),
    ],
    [
      ["--allow-env", "NODE_OPTIONS", "--allow-env=HSA_*"],
      run([], "127.0.0.1", 1234, { allowedVariables: ["NODE_OPTIONS", "HSA_*"] }),
    ],
    [
      ["m.gguf", "--context", "8192", "--slots=2", "--threads", "3", "--gpu-layers", "0"],
      run(["m.gguf"], "127.0.0.1", 1234, {
        engine: { contextTokens: 8192, slots: 2, threads: 3, gpuLayers: 0 },
      }),
    ],
    [
      ["models/", "--memory", "8GiB", "--gpu-memory=6GB"],
      run(["models/"], "127.0.0.1", 1234, { memoryBytes: 8 * 2 ** 30, deviceBytes: 6e9 }),
    ],
    [["a.yaml", "--help"], { type: "help" }],
    [["-v"], { type: "version" }],
  ];
  for (const [argv, expected] of cases) {
    test(`"${argv.join(" ")}" is understood`, () => assert.deepEqual(parseCommand(argv), expected));
  }
  const mistakes: [string[], RegExp][] = [
    [["--port"], /--port/],
    [["--port", "http"], /--port must be a number from 0 to 65535; found "http"/],
    [["--port", "65536"], /found "65536"/],
    [["--port=-1"], /found "-1"/],
    [["--port", "1e3"], /found "1e3"/],
    [["--prot", "1"], /--prot/],
    [["--host", "a b"], /--host must be/],
    [["--keys="], /--keys must name a file/],
    [["--cors", "localhost:3000/"], /--cors must be an origin.*found "localhost:3000\/"/],
    [["--allow-env", "A=b"], /--allow-env must be the name of a variable.*found "A=b"/],
    [["--memory", "8"], /--memory must be a size such as 8GiB or 500MB; found "8"/],
    [["--gpu-memory", "all"], /--gpu-memory must be a size such as .*found "all"/],
    [["--context", "8k"], /--context must be a whole number from 16 to 16777216; found "8k"/],
    [["--context", "15"], /found "15"/],
    [["--slots", "0"], /--slots must be a whole number from 1 to 256; found "0"/],
    [["--threads="], /--threads must be .*found ""/],
    [["--gpu-layers", "1e1"], /--gpu-layers must be .*found "1e1"/],
    [[""], /empty/],
  ];
  for (const [argv, message] of mistakes) {
    test(`"${argv.join(" ")}" is refused`, () => {
      const command = parseCommand(argv);
      assert.equal(command.type, "mistake");
      assert.match(command.type === "mistake" ? command.message : "", message);
    });
  }
});

test("options that npm kept for itself are refused with what to type", () => {
  const command = parseCommand(["8080"], { npm_config_gpu_layers: "0", npm_config_cache: "/c" });
  assert.equal(command.type, "mistake");
  assert.match(
    command.type === "mistake" ? command.message : "",
    /^npm kept --gpu-layers for itself; .* npm start -- model\.gguf --gpu-layers …$/,
  );
});
