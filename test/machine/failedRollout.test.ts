import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import { TestStack } from "../../lab/fixtures/testStack";
import { registryAddress } from "../../lab/machine/registry";

const rolloutTimeoutSeconds = 30;
/** After the rollout's time limit, the provider takes half a minute to find Kubernetes' reason. The rest is for the image and the Job. */
const limitSeconds = rolloutTimeoutSeconds + 30 + 30;

const crashing = (content: string) => `raise RuntimeError("broken on purpose")\n${content}`;

const failures: [what: string, files: string[], change: (content: string) => string, ...reasons: RegExp[]][] = [
    [
        "crashes",
        ["app/sms/web.py", "app/sms/beat.py"],
        crashing,
        /Container "sms-web" terminated.*RuntimeError: broken on purpose/s,
        /Container "sms-beat" terminated.*RuntimeError: broken on purpose/s,
    ],
    [
        "never gets ready",
        ["app/sms/web.py"],
        (content) => content.replace(/( {4}def readyz\(\).*\n)/, '$1        raise RuntimeError("unready on purpose")\n'),
        /Container "sms-web" terminated.*RuntimeError: unready on purpose/s,
    ],
    [
        "can't be migrated to",
        ["app/sms/migrate.py"],
        (content) => content.replace("    messages = ", '    raise RuntimeError("not migrated, on purpose")\n    messages = '),
        /not migrated, on purpose/,
    ],
    [
        "can't be pulled",
        ["index.ts"],
        (content) =>
            content.replace("        image,\n        platform", `        image: "${registryAddress()}/sms:gone",\n        platform`),
        /127\.0\.0\.1:\d+\/sms:gone.*not found/s,
    ],
];

describe("a version on the real cluster", () => {
    let stack: TestStack;

    before("up from nothing", async () => {
        stack = await TestStack.make("sms-failed", 31104);
        await stack.configure({}, { rolloutTimeoutSeconds });
        const { exitCode, output } = await stack.up();
        assert.equal(exitCode, 0, output);
    });

    after("remove", () => stack.clear());

    for (const [what, files, change, ...reasons] of failures) {
        it(`that ${what} ends the up in time and with its own last lines, while the old version serves`, async () => {
            for (const file of files) {
                stack.edit(file, change);
            }
            const begin = performance.now();
            const { exitCode, output } = await stack.up();
            const seconds = (performance.now() - begin) / 1000;
            for (const file of files) {
                stack.restore(file);
            }
            assert.notEqual(exitCode, 0, output);
            for (const reason of reasons) {
                assert.match(output, reason);
            }
            assert.ok(seconds < limitSeconds, `${seconds.toFixed(0)} s`);
            await stack.waitUntilSent(await stack.send(`sent by the version before one that ${what}`));
        });
    }

    it("that is repaired is rolled out by the next up", async () => {
        const { exitCode, output } = await stack.up();
        assert.equal(exitCode, 0, output);
    });
});
