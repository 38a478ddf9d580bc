/** Evaluates the whole program of `local` on mocks, as the unit tests do. Writes its manifests to the file in the first argument. */
import { writeFileSync } from "node:fs";
import { run } from "../../operations/operation";

const marks: [string, number][] = [["starting Node", performance.now()]];
const mark = (what: string) => marks.push([what, performance.now()]);

async function evaluate([file]: string[]): Promise<number> {
    require("@pulumi/pulumi");
    mark("loading the SDK");
    const { runProgram } = require("../fixtures/program") as typeof import("../fixtures/program");
    const { localSecrets, stackFile } = require("../fixtures/stackFile") as typeof import("../fixtures/stackFile");
    const onRun = () => mark("loading and running the program");
    const { deployed } = await runProgram("local", stackFile("local"), localSecrets, { onRun });
    mark("registering the resources");
    if (file !== undefined) {
        const manifests = deployed.resources.filter(({ type }) => /^kubernetes:[^:]+:[A-Z]/.test(type)).map(({ inputs }) => inputs);
        writeFileSync(file, JSON.stringify(manifests));
    }
    const parts = marks.map(([what, end], index) => ({ what, seconds: (end - (marks[index - 1]?.[1] ?? 0)) / 1000 }));
    process.stdout.write(`${JSON.stringify(parts)}\n`);
    return 0;
}

run(() => evaluate(process.argv.slice(2)));
