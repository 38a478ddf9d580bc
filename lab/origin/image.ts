import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { execa } from "execa";
import { clone } from "../../toolchain/places";
import { step } from "../../toolchain/progress";
import { machineDocker } from "../machine/kubernetes";
import { baseImage, registryAddress, registryUser } from "../machine/registry";
import { secret } from "../machine/secrets";

/** Files that are not copied into the origin's build. */
const left = new Set([".dockerignore", "tests", "__pycache__", ".venv", ".pytest_cache", ".ruff_cache"]);

/** Builds the app with the origin's Dockerfile and pushes it to the machine's registry. Returns the image's name. */
export async function originImage(): Promise<string> {
    const context = mkdtempSync(join(tmpdir(), "sms-origin-"));
    try {
        cpSync(join(clone, "app"), context, { recursive: true, filter: (source) => !left.has(basename(source)) });
        cpSync(join(__dirname, "Dockerfile"), join(context, "Dockerfile"));
        const image = `${registryAddress()}/origin:${contentHash(context)}`;
        const { env } = await machineDocker();
        const present = await execa("docker", ["image", "inspect", image], { env, reject: false });
        if (present.failed) {
            await step("image of the origin's way", () =>
                execa("docker", ["build", "--quiet", "--build-arg", `BASE_IMAGE=${baseImage("python:3.11")}`, "--tag", image, context], {
                    env,
                }),
            );
        }
        await execa("docker", ["login", "--username", registryUser, "--password-stdin", registryAddress()], {
            env,
            input: secret("registry-password"),
        });
        await execa("docker", ["push", "--quiet", image], { env });
        return image;
    } finally {
        rmSync(context, { recursive: true });
    }
}

function contentHash(folder: string): string {
    const hash = createHash("sha256");
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    for (const file of files.map((entry) => join(entry.parentPath, entry.name)).sort()) {
        hash.update(file.slice(folder.length)).update("\0").update(readFileSync(file));
    }
    return hash.digest("hex").slice(0, 12);
}
