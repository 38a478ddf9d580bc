import assert from "node:assert/strict";
import { readAgain } from "../../operations/halfMade";

const mongo = "urn:pulumi:online::sms::sms:mongo:Managed$alicloud:mongodb/instance:Instance::mongo-instance";
const redis = "urn:pulumi:online::sms::sms:redis:Managed$alicloud:kvstore/instance:Instance::redis-instance";
const web = "urn:pulumi:online::sms::sms:web:Web$kubernetes:apps/v1:Deployment::web";

function stateOf(...halfMade: string[]) {
    const types = {
        [mongo]: "alicloud:mongodb/instance:Instance",
        [redis]: "alicloud:kvstore/instance:Instance",
        [web]: "kubernetes:apps/v1:Deployment",
    };
    const resources = Object.entries(types).map(([urn, type]) => ({
        urn,
        type,
        ...(halfMade.includes(urn) && { initErrors: ["Code: OperationDenied"] }),
    }));
    return JSON.stringify({ version: 3, deployment: { resources } });
}

/** Runs `readAgain` on a state. Returns the calls of `pulumi` and the printed lines. */
async function run(state: string) {
    const asked: string[][] = [];
    const said: string[] = [];
    const pulumi = async (args: readonly string[]) => {
        asked.push([...args]);
        return { stdout: state };
    };
    await readAgain(pulumi, (line) => said.push(line));
    return { asked, said };
}

describe("a half-made resource in the cloud", () => {
    it("is read again, and no other resource is", async () => {
        const { asked, said } = await run(stateOf(mongo, redis));
        assert.deepEqual(asked, [
            ["stack", "export"],
            ["refresh", "--yes", "--skip-preview", "--non-interactive", "--target", mongo, "--target", redis],
        ]);
        assert.deepEqual(said, ["Created but not finished; refreshing from the cloud: mongo-instance, redis-instance"]);
    });

    it("is never an object in the cluster: a Deployment with a failed rollout is compared with the program", async () => {
        const { asked } = await run(stateOf(web));
        assert.deepEqual(asked, [["stack", "export"]]);
    });

    it("takes no more than reading the state if everything is finished", async () => {
        const { asked, said } = await run(stateOf());
        assert.deepEqual([asked, said], [[["stack", "export"]], []]);
    });

    it("doesn't exist in a stack without a state", async () => {
        assert.deepEqual((await run(JSON.stringify({ version: 3 }))).said, []);
    });
});
