import { readFileSync } from "node:fs";
import { execa } from "execa";

/** Unmounts all mounts below a folder, the innermost first. */
export async function unmountBelow(folder: string): Promise<void> {
    const mounts = readFileSync("/proc/self/mountinfo", "utf8")
        .split("\n")
        .map((line) => line.split(" ")[4])
        .filter((mount): mount is string => mount?.startsWith(folder) === true)
        .reverse();
    for (const mount of mounts) {
        await execa("umount", ["--lazy", mount], { reject: false });
    }
}
