/** A board at a cable, for tests without one. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repositoryPath } from "./workbench.js";

/** A virtual board that is attached over RFC 2217 as if it were hardware. */
export class CabledBoard {
  /** @param {string} image what is in its flash; one sector, behind the end of the partition table, is out of date */
  constructor(image) {
    this.image = image;
    this.folder = mkdtempSync(join(tmpdir(), "isrlab-board-"));
    this.port = "";
  }

  async start() {
    const flash = new Uint8Array(4 << 20).fill(0xff);
    flash.set(readFileSync(repositoryPath(`target/firmware/${this.image}`)));
    flash.fill(0, 0x8ff0, 0x9000);
    const file = join(this.folder, "flash.bin");
    writeFileSync(file, flash);
    const binary = process.env.ISRLAB ?? "";
    this.process = spawn(binary, ["virtual", "--rfc2217", "127.0.0.1:0", "--fast", "--flash", file], { stdio: ["ignore", "pipe", "inherit"] });
    this.port = await new Promise((resolve, reject) => {
      let said = "";
      this.process?.stdout?.on("data", (chunk) => {
        said += chunk;
        if (said.includes("\n")) resolve(said.trim());
      });
      this.process?.on("exit", (code) => reject(new Error(`the virtual board ended with ${code}: ${said}`)));
    });
  }

  close() {
    this.process?.removeAllListeners("exit");
    this.process?.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}
