import assert from "node:assert/strict";
import { readAgain } from "../../machine/halfMade";

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

/** What `pulumi` is asked on such a state, and what is said. */
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

describe("what was made in the cloud and not finished", () => {
    it("is read again, and nothing else", async () => {
        const { asked, said } = await run(stateOf(mongo, redis));
        assert.deepEqual(asked, [
            ["stack", "export"],
            ["refresh", "--yes", "--skip-preview", "--non-interactive", "--target", mongo, "--target", redis],
        ]);
        assert.deepEqual(said, ["Made, but not finished; read again from the cloud: mongo-instance, redis-instance"]);
    });

    it("is nothing in the cluster: a Deployment whose rollout failed is compared with what the program says", async () => {
        const { asked } = await run(stateOf(web));
        assert.deepEqual(asked, [["stack", "export"]]);
    });

    it("costs no more than a look at the state where all is finished", async () => {
        const { asked, said } = await run(stateOf());
        assert.deepEqual([asked, said], [[["stack", "export"]], []]);
    });

    it("is nothing in a stack without a state", async () => {
        assert.deepEqual((await run(JSON.stringify({ version: 3 }))).said, []);
    });
});
