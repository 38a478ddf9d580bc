import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const made: string[] = [];

/** Creates a folder with these files, by path. The content `-> target` makes a symbolic link. */
export async function folderWith(files: Record<string, string>): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "docker-provider-"));
    made.push(folder);
    await addFiles(folder, files);
    return folder;
}

export async function addFiles(folder: string, files: Record<string, string>): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
        const place = join(folder, path);
        await mkdir(dirname(place), { recursive: true });
        await (content.startsWith("-> ") ? symlink(content.slice(3), place) : writeFile(place, content));
    }
}

export async function removeFolders(): Promise<void> {
    await Promise.all(made.splice(0).map((folder) => rm(folder, { recursive: true })));
}
