import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { downloadKind, onPath } from "../../toolchain/commands";
import { kindVersion } from "../../toolchain/goModules";

const binary = "#!/bin/sh\necho kind\n";
const sum = createHash("sha256").update(binary).digest("hex");

describe("kind's official release", () => {
    let folder: string;
    let server: Server;
    let asked: string[];
    let published: string;
    let address: string;

    beforeEach(async () => {
        folder = mkdtempSync(join(tmpdir(), "sms-kind-"));
        asked = [];
        published = sum;
        server = createServer(({ url = "" }, response) => {
            asked.push(url);
            response.end(url.endsWith(".sha256sum") ? `${published}  kind\n` : binary);
        });
        await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
        address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dl`;
    });

    afterEach(() => {
        server.close();
        server.closeAllConnections();
        rmSync(folder, { recursive: true });
    });

    const file = () => join(folder, "downloads", "kind");

    it("is kept as a command if its checksum is right", async () => {
        assert.equal(await downloadKind(address, file()), true);
        assert.equal(readFileSync(file(), "utf8"), binary);
        assert.equal(statSync(file()).mode & 0o777, 0o755);
        const name = `/dl/v${kindVersion}/kind-${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`;
        assert.deepEqual(asked.sort(), [name, `${name}.sha256sum`]);
    });

    it("is not kept if its checksum is wrong", async () => {
        published = sum.replace(/^./, (digit) => (digit === "0" ? "1" : "0"));
        assert.equal(await downloadKind(address, file()), false);
        assert.deepEqual(readdirSync(folder), []);
    });

    it("is missing if no server answers", async () => {
        server.close();
        assert.equal(await downloadKind("http://127.0.0.1:1/dl", file()), false);
        assert.equal(existsSync(file()), false);
    });
});

describe("a command on the PATH", () => {
    const { PATH } = process.env;
    let folder: string;

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "sms-path-"));
        // The host's `which` is not on this PATH: not every host has one.
        process.env.PATH = folder;
    });

    afterEach(() => {
        process.env.PATH = PATH;
        rmSync(folder, { recursive: true });
    });

    it("is found with its path", async () => {
        writeFileSync(join(folder, "kind"), "#!/bin/sh\n", { mode: 0o755 });
        assert.equal(await onPath("kind"), join(folder, "kind"));
    });

    it("is not a file that nobody may execute", async () => {
        writeFileSync(join(folder, "kind"), "", { mode: 0o644 });
        assert.equal(await onPath("kind"), undefined);
    });

    it("is missing if no folder has it", async () => {
        assert.equal(await onPath("kind"), undefined);
    });
});
