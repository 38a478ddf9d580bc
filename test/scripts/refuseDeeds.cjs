/**
 * Loaded before a script. Every attempt to start or end a process, change a file, listen or connect fails, and is recorded in the file
 * that SMS_DEEDS names.
 */
const childProcess = require("node:child_process");
const fs = require("node:fs");
const promises = require("node:fs/promises");
const { Server, Socket } = require("node:net");

const notes = fs.openSync(process.env.SMS_DEEDS, "a");

function refuse(target, ...names) {
    for (const name of names) {
        target[name] = (...args) => {
            const [first] = args.filter((arg) => typeof arg === "string" || typeof arg === "number");
            fs.writeSync(notes, `${name} ${first ?? ""}\n`);
            throw new Error(`${name} ${first ?? ""} is refused here`);
        };
    }
}

const changes = ["writeFile", "mkdir", "mkdtemp", "rm", "rename", "symlink", "cp", "chmod", "unlink", "truncate", "copyFile"];
refuse(childProcess, "spawn", "spawnSync", "exec", "execSync", "execFile", "execFileSync", "fork");
refuse(fs, ...changes.flatMap((name) => [name, `${name}Sync`]));
refuse(promises, ...changes);
refuse(Server.prototype, "listen");
refuse(Socket.prototype, "connect");
refuse(process, "kill");
require("node:module").syncBuiltinESMExports();
