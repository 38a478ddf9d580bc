import assert from "node:assert/strict";
import { types } from "../../lab/fixtures/deployed";
import { runProgram } from "../../lab/fixtures/program";
import { localSecrets, stackFile } from "../../lab/fixtures/stackFile";
import { plannedObjects } from "../../preflight/planned";
import { readSettings } from "../../settings";

describe("a registry that asks for no account", () => {
    const { registryPassword: _, ...secrets } = localSecrets;
    const registry = '{"kind":"anonymous","server":"registry.example.com","repository":"team/sms"}';

    it("is pushed to without a login, and pulled from without a Secret", async () => {
        let planned: string[] = [];
        const { deployed } = await runProgram("local", { ...stackFile("local"), registry }, secrets, {
            onSettings: () => (planned = plannedObjects(readSettings()).map(({ kind, name }) => `${kind} ${name}`)),
        });
        const { inputs } = deployed.one(types.image);
        assert.deepEqual(inputs.registry, { server: "registry.example.com" });
        assert.match(inputs.imageName, /^registry\.example\.com\/team\/sms:[0-9a-f]{20}$/);
        assert.deepEqual(
            deployed.listed().filter((name) => name.includes("pull")),
            [],
        );
        assert.ok(!planned.includes("Secret pull-secret"));
        const kinds: string[] = [types.deployment, types.statefulSet, types.job];
        const pods = deployed.resources.filter(({ type }) => kinds.includes(type));
        assert.equal(pods.length, 6);
        for (const { name, inputs } of pods) {
            assert.equal("imagePullSecrets" in inputs.spec.template.spec, false, name);
        }
    });
});
