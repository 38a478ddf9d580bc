import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { calls, kafkaCalls } from "../../lab/rehearsal/alicloud-provider/calls";
import { credentialToken } from "../../lab/rehearsal/alicloud-provider/cluster";
import { tables } from "../../operations/alicloud/table";

interface Statement {
    Effect: string;
    Action: string[];
    Resource: string | string[];
}

/** The statements of a policy in docs/ram: each action with its resources. */
function allowed(policy: string): Statement[] {
    const { Statement } = JSON.parse(readFileSync(`docs/ram/${policy}.json`, "utf8")) as { Statement: Statement[] };
    return Statement;
}

const actionsOf = (policy: string) => allowed(policy).flatMap(({ Action }) => Action);
const neededFor = (types: string[]) => [...new Set(types.flatMap((type) => calls[type] ?? []))].sort();
const isNetwork = (type: string) => type.startsWith("alicloud:vpc/");

describe("the rights in the docs", () => {
    const types = Object.keys(tables);

    it("cover all that the program creates and reads", () => {
        assert.deepEqual(Object.keys(calls).sort(), [...types, credentialToken].sort());
    });

    it("let `up` work in an existing network, and allow nothing more", () => {
        assert.deepEqual(actionsOf("up").sort(), neededFor([...types.filter((type) => !isNetwork(type)), credentialToken]));
    });

    it("let `up` also create a network, tags included, and allow nothing more", () => {
        assert.deepEqual(actionsOf("up-new-network").sort(), neededFor(types.filter(isNetwork)));
        assert.ok(actionsOf("up-new-network").includes("vpc:TagResources"));
    });

    it("let the collectors write by Kafka's protocol to one project, and allow nothing more", () => {
        assert.deepEqual(actionsOf("logs").sort(), [...kafkaCalls].sort());
        assert.deepEqual(
            allowed("logs").map(({ Action, Resource }) => [Action, Resource]),
            [
                [["log:GetProject"], "acs:log:*:*:project/PROJECT"],
                [["log:GetLogStore", "log:ListShards", "log:PostLogStoreLogs"], "acs:log:*:*:project/PROJECT/logstore/*"],
            ],
        );
    });

    it("let the engine read, write and lock its state in one bucket, and allow nothing more", () => {
        assert.deepEqual(
            allowed("state").map(({ Action, Resource }) => [[...Action].sort(), Resource]),
            [
                [
                    ["oss:DeleteObject", "oss:GetObject", "oss:ListObjects", "oss:PutObject"],
                    ["acs:oss:*:*:STATE_BUCKET", "acs:oss:*:*:STATE_BUCKET/*"],
                ],
            ],
        );
    });

    it("are for the resources of the actions' own products", () => {
        for (const { Action, Resource } of ["up", "up-new-network", "logs", "state"].flatMap(allowed)) {
            const products = [Resource].flat().map((resource) => resource.split(":")[1]);
            assert.deepEqual(new Set(Action.map((action) => action.split(":")[0])), new Set(products));
        }
    });

    it("name each action, and have no wider wildcard", () => {
        const all = ["up", "up-new-network", "logs", "state"].flatMap(actionsOf);
        assert.deepEqual(
            all.filter((action) => !/^[a-z]+:[A-Z]\w+$/.test(action)),
            [],
        );
    });

    it("are shown in the document about permissions", () => {
        const text = readFileSync("docs/going-online.md", "utf8");
        for (const policy of ["up", "up-new-network", "logs", "state"]) {
            assert.ok(text.includes(`(ram/${policy}.json)`), policy);
        }
    });
});
