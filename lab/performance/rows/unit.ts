import { clone } from "../../../operations/operation";
import { run, sideBySide } from "../measure";
import { peer } from "../peers";
import { amount, type Row } from "../row";

export const unit: Row = {
    name: "unit",
    title: "`npm run test:unit`",
    peer: "mocha with an empty test that imports the SDK",
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
                    what: "unit tests: wall",
                    unit: "s",
                    ours: amount(all.wallSeconds),
                    peer: amount(empty.wallSeconds),
                    goal: { atMost: 2 },
                },
                { what: "unit tests: CPU", unit: "s", ours: amount(all.cpuSeconds), peer: amount(empty.cpuSeconds) },
                {
                    what: "beside an empty test in JavaScript: wall",
                    unit: "s",
                    ours: amount(all.wallSeconds),
                    peer: amount(compiled.wallSeconds),
                },
                {
                    what: "beside an empty test in JavaScript: CPU",
                    unit: "s",
                    ours: amount(all.cpuSeconds),
                    peer: amount(compiled.cpuSeconds),
                },
            ],
            parts: [],
            remarks: [`${tests} tests. The empty test is TypeScript, run as Pulumi's documentation says: \`mocha -r ts-node/register\`.`],
        };
    },
};
