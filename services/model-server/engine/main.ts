/** The engine process, with all its operations. */
import { operationsOf } from "./operations.ts";
import { runEngine } from "./run-engine.ts";

runEngine(operationsOf);
