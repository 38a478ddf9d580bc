import assert from "node:assert/strict";
import { TestStack } from "../../lab/fixtures/testStack";
import { kubectl } from "../../lab/machine/kubernetes";

describe("the capacity of the real cluster", () => {
    let stack: TestStack;

    before("a stack that requests 3 CPU on a node with 2", async () => {
        stack = await TestStack.make("sms-check", 31093);
        await stack.configure({ "sms:web": { replicas: 60, nodePort: 31093, resources: { requests: { cpu: "50m", memory: "100Mi" } } } });
    });

    after("remove", () => stack.remove());

    const shortage =
        /1 obstacle in the way of stack sms-check; nothing was changed:\n\n {2}\d+ of 60 web pods would stay Pending: [\d.]+ cpu requested, 0(\.\d+)? free\n {6}pulumi config set --path 'sms:web\.replicas' \d+ --stack sms-check, or/;

    it("is reported in a preview, without a stack trace", async () => {
        const { exitCode, output } = await stack.run("preview", "--non-interactive");
        assert.notEqual(exitCode, 0);
        assert.match(output.replace(/^ {4}/gm, ""), shortage);
        assert.doesNotMatch(output, /\n\s+at .*\.(ts|js):\d+/);
    });

    it("refuses an up before any change", async () => {
        const { exitCode, output } = await stack.up();
        assert.notEqual(exitCode, 0);
        assert.match(output.replace(/^ {4}/gm, ""), shortage);
        const { deployment } = JSON.parse(await stack.state()) as { deployment: { resources?: { type: string }[] } };
        assert.deepEqual(
            (deployment.resources ?? []).map(({ type }) => type).filter((type) => type !== "pulumi:pulumi:Stack"),
            ["pulumi:providers:pulumi", "pulumi:index:Stash"],
            "who the stack is, and nothing else",
        );
        assert.equal(await kubectl("get", "namespace", "sms-check", "--ignore-not-found"), "");
    });

    it("accepts the proposed number of replicas in a preview", async () => {
        const { output } = await stack.run("preview", "--non-interactive");
        const replicas = Number(/'sms:web\.replicas' (\d+)/.exec(output)?.[1]);
        await stack.configure({ "sms:web": { replicas, nodePort: 31093, resources: { requests: { cpu: "50m", memory: "100Mi" } } } });
        const preview = await stack.run("preview", "--non-interactive");
        assert.equal(preview.exitCode, 0, preview.output);
        assert.doesNotMatch(preview.output, /was not checked|could not be checked/);
    });

    it("also refuses an up whose kubeconfig is known only while the program runs, as ACK's is: at once, and without a change", async () => {
        await stack.configure({ "sms:web": { replicas: 60, nodePort: 31093 } });
        stack.edit("components/cluster.ts", (content) =>
            content
                .replace("return { context: cluster.context,", "return { content: readFileSync(process.env.KUBECONFIG, 'utf8') }; return {")
                .replace(/^/, '// @ts-nocheck\nimport { readFileSync } from "node:fs";\n'),
        );
        const { exitCode, output } = await stack.up();
        assert.notEqual(exitCode, 0);
        assert.match(
            output.replace(/^ {4}/gm, ""),
            /1 obstacle in the way of stack sms-check; nothing was changed:\n\n {2}\d+ of 60 web pods would stay Pending/,
        );
        assert.doesNotMatch(output, /unhandled|exit code|\n\s+at .*\.(ts|js):\d+/);
        assert.equal(await kubectl("get", "namespace", "sms-check", "--ignore-not-found"), "");
    });
});
