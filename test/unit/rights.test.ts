import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { calls, kafkaCalls } from "../../machine/alicloud-provider/calls";
import { credentialToken } from "../../machine/alicloud-provider/cluster";
import { tables } from "../../machine/alicloud-provider/table";

interface Statement {
    Effect: string;
    Action: string[];
    Resource: string | string[];
}

/** What a policy of docs/ram allows, each action with where. */
function allowed(policy: string): Statement[] {
    const { Statement } = JSON.parse(readFileSync(`docs/ram/${policy}.json`, "utf8")) as { Statement: Statement[] };
    return Statement;
}

const actionsOf = (policy: string) => allowed(policy).flatMap(({ Action }) => Action);
const neededFor = (types: string[]) => [...new Set(types.flatMap((type) => calls[type] ?? []))].sort();
const isNetwork = (type: string) => type.startsWith("alicloud:vpc/");

describe("the rights in the docs", () => {
    const types = Object.keys(tables);

    it("are known for all that the program makes and asks", () => {
        assert.deepEqual(Object.keys(calls).sort(), [...types, credentialToken].sort());
    });

    it("let `up` do what it does in a network that is there, and nothing more", () => {
        assert.deepEqual(actionsOf("up").sort(), neededFor([...types.filter((type) => !isNetwork(type)), credentialToken]));
    });

    it("let `up` make a network too, tags included, and nothing more", () => {
        assert.deepEqual(actionsOf("up-new-network").sort(), neededFor(types.filter(isNetwork)));
        assert.ok(actionsOf("up-new-network").includes("vpc:TagResources"));
    });

    it("let the collectors write by Kafka's protocol, into one project, and nothing more", () => {
        assert.deepEqual(actionsOf("logs").sort(), [...kafkaCalls].sort());
        assert.deepEqual(
            allowed("logs").map(({ Action, Resource }) => [Action, Resource]),
            [
                [["log:GetProject"], "acs:log:*:*:project/PROJECT"],
                [["log:GetLogStore", "log:ListShards", "log:PostLogStoreLogs"], "acs:log:*:*:project/PROJECT/logstore/*"],
            ],
        );
    });

    it("name each action, and allow no more by a wildcard", () => {
        const all = ["up", "up-new-network", "logs", "state"].flatMap(actionsOf);
        assert.deepEqual(
            all.filter((action) => !/^[a-z]+:[A-Z]\w+$/.test(action)),
            [],
        );
    });

    it("are shown where people read who may do what", () => {
        const text = readFileSync("docs/going-online.md", "utf8");
        for (const policy of ["up", "up-new-network", "logs", "state"]) {
            assert.ok(text.includes(`(ram/${policy}.json)`), policy);
        }
    });
});
