import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { clone } from "../../toolchain/places";

const placeholder = "@your-organisation/your-team";

interface Package {
    private?: boolean;
    repository?: unknown;
}

/** The owners in the lines of a CODEOWNERS file. */
function owners(text: string): string[] {
    return text
        .split("\n")
        .map((line) => line.replace(/#.*/, "").trim())
        .filter((line) => line !== "")
        .flatMap((line) => line.split(/\s+/).slice(1));
}

/**
 * Why the file is wrong, or undefined. The team is unknown until the project has a repository: package.json then names it, or is no
 * longer private. From then on, a placeholder would request no review: GitHub ignores an unknown team, and shows the fault only on the
 * file's own page.
 */
function problem({ private: isPrivate, repository }: Package, text: string): string | undefined {
    const named = owners(text);
    if (named.length === 0) {
        return ".github/CODEOWNERS names nobody";
    }
    const hasHome = repository !== undefined || isPrivate !== true;
    return hasHome && named.includes(placeholder) ? `.github/CODEOWNERS still names ${placeholder}: put your team there` : undefined;
}

describe(".github/CODEOWNERS", () => {
    it("names a real team after package.json names the repository", () => {
        const json = JSON.parse(readFileSync(join(clone, "package.json"), "utf8")) as Package;
        assert.equal(problem(json, readFileSync(join(clone, ".github/CODEOWNERS"), "utf8")), undefined);
    });

    const untouched = `# Whoever reviews\n* ${placeholder}\n`;
    const repository = "github:example/sms";

    it("may have the placeholder before", () => assert.equal(problem({ private: true }, untouched), undefined));

    for (const [when, json] of Object.entries({ "names a repository": { private: true, repository }, "is public": {} })) {
        it(`may not have the placeholder if package.json ${when}`, () => {
            assert.match(problem(json, untouched) ?? "", /put your team there/);
            assert.match(problem(json, `* @example/sms\n/app/ ${placeholder}\n`) ?? "", /put your team there/);
            assert.equal(problem(json, `# was ${placeholder}\n* @example/sms\n`), undefined);
        });
    }

    it("may not be empty", () => assert.match(problem({ private: true }, "# nobody\n*\n") ?? "", /nobody/));
});
