import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { movedCluster, movedSettings } from "../../preflight/moved";
import type { Settings } from "../../settings";
import { stackFileSchema } from "../../settings/stackFileSchema";

interface Row {
    readonly keys: string[];
    readonly change: string;
}

/** The table of docs/moving.md. */
function rows(): Row[] {
    return [...readFileSync("docs/moving.md", "utf8").matchAll(/^\| (`sms:[^|]*) \| ([^|]*) \|$/gm)].map(([, keys = "", change = ""]) => ({
        keys: [...keys.matchAll(/`sms:([^`]+)`/g)].map(([, key = ""]) => key),
        change,
    }));
}

// biome-ignore lint/suspicious/noExplicitAny: a JSON Schema.
type Schema = any;

function knows(schema: Schema, [key, ...rest]: string[]): boolean {
    if (key === undefined) {
        return true;
    }
    const branches: Schema[] = [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
    return branches.some(({ properties }) => properties?.[key] !== undefined && knows(properties[key], rest));
}

describe("the table of the effects of changed settings", () => {
    it("names existing settings", () => {
        const { properties } = (stackFileSchema() as Schema).properties.config;
        const unknown = rows()
            .flatMap(({ keys }) => keys)
            .filter((key) => {
                const [first = "", ...rest] = key.split(".");
                return properties[`sms:${first}`] === undefined || !knows(properties[`sms:${first}`], rest);
            });
        assert.deepEqual(unknown, []);
        assert.equal(rows().length, 26);
    });

    it("marks refused changes as refused", () => {
        const settings = {
            namespace: "sms",
            existingNamespace: false,
            alibaba: { region: "cn-hangzhou", accountType: "Domestic" },
            cluster: { context: "there" },
        } as Settings;
        const place = { cluster: "before", isExistingNamespace: false, region: "cn-hangzhou", accountType: "Domestic" };
        const last = { namespace: "sms", place };
        const moved = (change: object) => movedSettings("test", { ...settings, ...change } as Settings, last).length;
        const found: Record<string, number> = {
            namespace: moved({ namespace: "other" }),
            existingNamespace: moved({ existingNamespace: true }),
            "alibaba.region": moved({ alibaba: { ...settings.alibaba, region: "cn-beijing" } }),
            "alibaba.accountType": moved({ alibaba: { ...settings.alibaba, accountType: "International" } }),
            "cluster.context": movedCluster("test", settings, "other", last).length,
            "cluster.kubeconfig": movedCluster("test", settings, "other", last).length,
            "cluster.id": movedCluster("test", { ...settings, cluster: { kind: "ack", id: "c1" } } as Settings, "other", last).length,
        };
        const refused = rows().filter(({ change }) => change.startsWith("refused"));
        assert.deepEqual(refused.flatMap(({ keys }) => keys).sort(), Object.keys(found).sort());
        assert.deepEqual(
            Object.entries(found).filter(([, obstacles]) => obstacles !== 1),
            [],
        );
    });
});
