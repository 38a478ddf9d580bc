import { clone } from "../../../toolchain/places";
import { run, sideBySide } from "../measure";
import { peer } from "../peers";
import { amount, type Row } from "../row";

export const unit: Row = {
    name: "unit",
    title: "Unit tests (`npm run test:unit`)",
    peer: "an empty test in mocha that imports the SDK",
    onMachine: false,
    measure: async () => {
        const cwd = await peer("mocha");
        const npm = (script: string) => ["npm", "run", "--silent", script] as [string, ...string[]];
        const ours = { command: npm("test:unit"), cwd: clone };
        const { all, empty, compiled } = await sideBySide(
            { all: ours, empty: { command: npm("test"), cwd }, compiled: { command: npm("test:compiled"), cwd } },
            { rounds: 5, warmUps: 1 },
        );
        const tests = /(\d+) passing/.exec((await run(ours)).output)?.[1];
        return {
            figures: [
                {
                    what: "unit tests: wall time",
                    unit: "s",
                    ours: amount(all.wallSeconds),
                    peer: amount(empty.wallSeconds),
                    goal: { atMost: 2 },
                },
                { what: "unit tests: CPU time", unit: "s", ours: amount(all.cpuSeconds), peer: amount(empty.cpuSeconds) },
                {
                    what: "unit tests, compared with an empty test in JavaScript: wall time",
                    unit: "s",
                    ours: amount(all.wallSeconds),
                    peer: amount(compiled.wallSeconds),
                },
                {
                    what: "unit tests, compared with an empty test in JavaScript: CPU time",
                    unit: "s",
                    ours: amount(all.cpuSeconds),
                    peer: amount(compiled.cpuSeconds),
                },
            ],
            parts: [],
            remarks: [
                `This project has ${tests} tests. The empty test is in TypeScript and runs by \`mocha -r ts-node/register\`, as in Pulumi's documentation.`,
            ],
        };
    },
};
