import { strict as assert } from "node:assert";
import { chmod, mkdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { extract, type Header } from "tar-stream";
import { contextDigest, readContext, tarOf } from "../../lab/machine/docker-provider/context";
import { addFiles, folderWith, removeFolders } from "./files";

const app = { Dockerfile: "FROM scratch", "src/main.py": "print()", "src/link.py": "-> main.py" };

async function paths(folder: string, dockerfile = join(folder, "Dockerfile")): Promise<string[]> {
    return (await readContext(folder, dockerfile)).entries.map(({ path }) => path);
}

async function digest(folder: string): Promise<string> {
    return contextDigest(await readContext(folder, join(folder, "Dockerfile")));
}

describe("The build context", () => {
    afterEach(removeFolders);

    it("is the folder, sorted", async () => {
        assert.deepEqual(await paths(await folderWith(app)), ["Dockerfile", "src", "src/link.py", "src/main.py"]);
    });

    it("leaves out the files in .dockerignore", async () => {
        const folder = await folderWith({
            ...app,
            ".dockerignore": "**/*.pyc\nnode_modules\n",
            "src/main.pyc": "",
            "node_modules/a/b.js": "",
        });
        assert.deepEqual(await paths(folder), [".dockerignore", "Dockerfile", "src", "src/link.py", "src/main.py"]);
    });

    it("keeps files that a later rule includes again, with their folders", async () => {
        const folder = await folderWith({ Dockerfile: "", ".dockerignore": "*\n!src/keep\n", "src/keep/a": "", "src/drop": "", top: "" });
        assert.deepEqual(await paths(folder), ["Dockerfile", "src", "src/keep", "src/keep/a"]);
    });

    it("prefers the Dockerfile's own ignore file", async () => {
        const folder = await folderWith({ ...app, ".dockerignore": "src\n", "Dockerfile.dockerignore": "src/main.py\n" });
        assert.ok((await paths(folder)).includes("src/link.py"));
        assert.ok(!(await paths(folder)).includes("src/main.py"));
    });

    it("contains the Dockerfile, also if its folder is ignored", async () => {
        const folder = await folderWith({ ...app, ".dockerignore": "docker\n", "docker/Dockerfile": "", "docker/other": "" });
        assert.deepEqual((await paths(folder, join(folder, "docker/Dockerfile"))).slice(1, 4), [
            "Dockerfile",
            "docker",
            "docker/Dockerfile",
        ]);
    });

    it("contains a Dockerfile from outside the folder", async () => {
        const folder = await folderWith({ Dockerfile: "FROM scratch", "app/main.py": "" });
        const { dockerfile, entries } = await readContext(join(folder, "app"), join(folder, "Dockerfile"));
        assert.equal(dockerfile, ".dockerfile-from-outside");
        assert.deepEqual(
            entries.map(({ path }) => path),
            ["main.py", ".dockerfile-from-outside"],
        );
    });

    it("has the same digest for the same files in another folder at another time", async () => {
        const [here, there] = [await folderWith(app), await folderWith(app)];
        await utimes(join(there, "src/main.py"), 1, 1);
        assert.equal(await digest(here), await digest(there));
    });

    it("has another digest if a content, name, mode, link or empty folder changes", async () => {
        const digests = new Set([await digest(await folderWith(app))]);
        digests.add(await digest(await folderWith({ ...app, "src/main.py": "pass" })));
        digests.add(await digest(await folderWith({ ...app, "src/more.py": "" })));
        digests.add(await digest(await folderWith({ ...app, "src/link.py": "-> other.py" })));
        digests.add(await digest(await folderWith({ ...app, "src/link.py": "main.py" })));
        const executable = await folderWith(app);
        await chmod(join(executable, "src/main.py"), 0o755);
        digests.add(await digest(executable));
        const withEmpty = await folderWith(app);
        await mkdir(join(withEmpty, "empty"));
        digests.add(await digest(withEmpty));
        assert.equal(digests.size, 7);
    });

    it("has the same digest when only ignored files change", async () => {
        const folder = await folderWith({ ...app, ".dockerignore": "*.log\n" });
        const before = await digest(folder);
        await addFiles(folder, { "today.log": "…" });
        assert.equal(await digest(folder), before);
    });

    it("is sent with root as the owner and one time for all files", async () => {
        const folder = await folderWith(app);
        const headers: Header[] = [];
        const contents: string[] = [];
        for await (const entry of tarOf(await readContext(folder, join(folder, "Dockerfile"))).pipe(extract())) {
            headers.push(entry.header);
            contents.push(await text(entry));
        }
        assert.deepEqual(
            headers.map(({ name, type, linkname }) => [name, type, linkname]),
            [
                ["Dockerfile", "file", null],
                ["src", "directory", null],
                ["src/link.py", "symlink", "main.py"],
                ["src/main.py", "file", null],
            ],
        );
        assert.deepEqual(contents, ["FROM scratch", "", "", "print()"]);
        assert.ok(headers.every(({ uid, gid, mtime }) => uid === 0 && gid === 0 && mtime?.toISOString() === "2000-01-01T00:00:00.000Z"));
    });

    it("fails if a file can't be read while it is sent", async () => {
        const folder = await folderWith(app);
        const context = await readContext(folder, join(folder, "Dockerfile"));
        await removeFolders();
        await assert.rejects(text(tarOf(context)), /ENOENT/);
    });
});
