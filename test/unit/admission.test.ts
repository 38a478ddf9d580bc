import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { acrHosts } from "../../components/acrHosts";
import { clone } from "../../toolchain/places";

interface Policy {
    apiVersion: string;
    kind: string;
    spec: {
        mode: string;
        images: { glob: string }[];
        authorities: { keyless?: { identities: { issuer: string; subject: string }[] }; key?: { data: string }; ctlog?: unknown }[];
    };
}

const read = (name: string) => parse(readFileSync(join(clone, "docs", "admission", name), "utf8")) as Policy;
const policies = ["keyless.yaml", "key.yaml"].map(read);

describe("the policies for admission", () => {
    it("refuse what isn't signed, of the repository that nodes pull from", () => {
        for (const { apiVersion, kind, spec } of policies) {
            assert.deepEqual([apiVersion, kind, spec.mode], ["policy.sigstore.dev/v1beta1", "ClusterImagePolicy", "enforce"]);
            assert.deepEqual(spec.images, [{ glob: `${acrHosts("INSTANCE", "REGION").pull}/sms/sms@*` }]);
        }
    });

    it("trust the workflow that signs, on main, or a key, and nobody beside", () => {
        const [keyless, key] = policies.map(({ spec }) => spec.authorities);
        const workflow = ".github/workflows/up.yml";
        assert.match(readFileSync(join(clone, workflow), "utf8"), /run: npm run --silent release /);
        assert.deepEqual(
            keyless?.map(({ keyless: by }) => by?.identities),
            [
                [
                    {
                        issuer: "https://token.actions.githubusercontent.com",
                        subject: `https://github.com/OWNER/REPOSITORY/${workflow}@refs/heads/main`,
                    },
                ],
            ],
        );
        // A signature by key is in no public log.
        assert.deepEqual(
            key?.map(({ key: by, ctlog }) => [by?.data.split("\n")[0], ctlog]),
            [["-----BEGIN PUBLIC KEY-----", undefined]],
        );
    });
});
