import assert from "node:assert/strict";
import { type Run, TestStack } from "../../lab/fixtures/testStack";
import { statusOf } from "../../lab/machine/client";
import { addresses, inNode } from "../../lab/machine/kubernetes";

interface Job {
    metadata: { name: string };
    status: { succeeded?: number; failed?: number };
}

interface Deployment {
    metadata: { name: string; generation: number };
}

/** An unused address (RFC 5737). Packets to it are dropped, as a whitelist does. */
const lost = "192.0.2.1";
const dropped = ["FORWARD", "--destination", lost, "--jump", "DROP"];

describe("the check of the stores on the real cluster", () => {
    let stack: TestStack;

    const jobs = async () => (await stack.objects<Job>("jobs")).filter(({ metadata }) => metadata.name.startsWith("preparation-"));
    const generations = async () =>
        (await stack.objects<Deployment>("deployments")).map(({ metadata }) => `${metadata.name} ${metadata.generation}`);

    /** Replaces the stores' URLs in the workloads. */
    const breakUrls = (redisUrl: string, mongoUrl: string) => {
        stack.restore("index.ts");
        stack.edit("index.ts", (content) =>
            content
                .replace("redis.url,", `redis.url.apply(() => "${redisUrl}"),`)
                .replace("mongo.url,", `mongo.url.apply(() => "${mongoUrl}"),`),
        );
    };

    async function assertRefused(run: Run, before: string[]): Promise<void> {
        assert.notEqual(run.exitCode, 0, run.output);
        assert.equal(await statusOf(stack.address, "/readyz"), 200);
        assert.deepEqual(await generations(), before, "no workload was changed");
    }

    before("up from nothing", async () => {
        await inNode("iptables", "--wait", "--insert", ...dropped);
        stack = await TestStack.make("sms-check", 31093);
        // With NetworkPolicies, each wrong address would be a time-out.
        await stack.configure({ "sms:networkPolicies": { enabled: false } });
        const { exitCode, output } = await stack.up();
        assert.equal(exitCode, 0, output);
    });

    after("remove", async () => {
        await inNode("iptables", "--wait", "--delete", ...dropped);
        await stack.clear();
    });

    it("runs once, and doesn't run again if nothing changes", async () => {
        const [job, ...others] = await jobs();
        assert.deepEqual([job?.status.succeeded, others], [1, []]);
        const { exitCode, output } = await stack.up("--expect-no-changes");
        assert.equal(exitCode, 0, output);
        const refreshed = await stack.run("preview", "--refresh", "--non-interactive", "--expect-no-changes");
        assert.equal(refreshed.exitCode, 0, refreshed.output);
    });

    it("reports a refused connection and an unknown name, for both stores together, while the old version still serves", async () => {
        const before = await generations();
        // The node's address, where no process listens on port 1.
        const closed = (await addresses()).node;
        breakUrls(`redis://sms:wrong-but-secret-1@${closed}:1/0`, "mongodb://sms:wrong-but-secret-2@nowhere.example:27017/sms");
        const refused = await stack.up();
        await assertRefused(refused, before);
        assert.match(refused.output, /Redis: FAILED: [\d.]+:1 refuses the connection\. Nothing listens.*set bind \(redis\.conf\)/s);
        assert.match(refused.output, /MongoDB: FAILED: the name nowhere\.example is not found\. Correct it in sms:mongoUrl/);
        assert.doesNotMatch(refused.output, /wrong-but-secret/);
    });

    it("reports a time-out and a wrong password after an earlier failed Job", async () => {
        const before = await generations();
        breakUrls(`redis://sms:wrong-but-secret-1@${lost}:6379/0`, "mongodb://sms:wrong-but-secret-2@mongo:27017/sms?authSource=admin");
        const refused = await stack.up();
        await assertRefused(refused, before);
        assert.match(refused.output, /Redis: FAILED: 192\.0\.2\.1:6379 doesn't answer \(time-out\)\. A packet filter/);
        assert.match(refused.output, /MongoDB: FAILED: mongo:27017 refuses the password of account sms \(authSource=admin\)/);
        assert.doesNotMatch(refused.output, /wrong-but-secret/);
    });

    it("runs again in each `up` after a failure, because the repair may be at the store", async () => {
        const failed = (await jobs()).map(({ metadata }) => metadata.name);
        assert.notEqual((await stack.up()).exitCode, 0);
        const again = (await jobs()).filter(({ metadata }) => !failed.includes(metadata.name));
        assert.deepEqual(
            again.map(({ status }) => status.failed),
            [1],
        );
    });

    it("lets the next `up` continue after the URLs are corrected, and leaves no failed Job", async () => {
        stack.restore("index.ts");
        const { exitCode, output } = await stack.up();
        assert.equal(exitCode, 0, output);
        assert.deepEqual(
            (await jobs()).map(({ status }) => status.succeeded),
            [1],
        );
        assert.equal(await statusOf(stack.address, "/readyz"), 200);
        const second = await stack.up("--expect-no-changes");
        assert.equal(second.exitCode, 0, second.output);
    });
});
