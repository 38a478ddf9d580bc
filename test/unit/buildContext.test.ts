import assert from "node:assert/strict";
import { join } from "node:path";
import { types } from "../../lab/fixtures/deployed";
import { runProgram } from "../../lab/fixtures/program";
import { localSecrets, stackFile } from "../../lab/fixtures/stackFile";
import { problemsOf, settingsOf } from "./smallest";

describe("the folder from which the image is built", () => {
    const buildOf = async (image: object) => {
        const { deployed } = await runProgram("local", { ...stackFile("local"), image: JSON.stringify(image) }, localSecrets);
        return deployed.one(types.image, "image-image").inputs;
    };

    it("is app by default", async () => {
        assert.equal((await buildOf({ baseImage: "python:3.11" })).build.context, "app");
    });

    it("can be another product's, which gives another image", async () => {
        const [ours, theirs] = [await buildOf({ baseImage: "python:3.11" }), await buildOf({ baseImage: "python:3.11", context: other })];
        assert.deepEqual(theirs.build, { ...ours.build, context: other });
        assert.notEqual(theirs.imageName, ours.imageName);
    });

    const other = "test/adopting/app";
    for (const context of [other, join(__dirname, "..", "..", other)]) {
        it(`may be ${context === other ? "named from the folder of Pulumi.yaml" : "absolute"}`, () => {
            assert.equal((settingsOf({ image: { context } }).image as { context?: string }).context, context);
        });
    }

    const allowed = "allowed: the path of a folder with a Dockerfile, absolute or from the folder of Pulumi.yaml";
    const set = "pulumi config set --path 'sms:image.context' app --stack online";
    const refused: [what: string, context: unknown][] = [
        ["isn't there", "notes"],
        ["has no Dockerfile", "app/sms"],
        ["is the Dockerfile itself", "app/Dockerfile"],
        ["is no path", 7],
        ["is empty", ""],
    ];
    for (const [what, context] of refused) {
        it(`is refused if it ${what}`, () => {
            assert.deepEqual(problemsOf({ image: { context } }), [`sms:image.context is ${JSON.stringify(context)}; ${allowed} | ${set}`]);
        });
    }
});
