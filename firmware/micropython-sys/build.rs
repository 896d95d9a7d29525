//! Compiles the MicroPython core without its makefiles.
//!
//! The steps are those of `py/mkrules.mk`: collect interned strings, modules, root pointers and
//! error texts from the preprocessed sources, freeze Python modules with `mpy-cross`, compile.
//! The source tree is read only; everything made lies in `OUT_DIR`.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};

#[expect(dead_code, reason = "where a source comes from is the business of `cargo xtask`")]
mod releases;

use releases::{RELEASES, Release};

const COMPILER: &str = "riscv64-unknown-elf-gcc";
const ARCHIVER: &str = "riscv64-unknown-elf-ar";

const EXTMOD: &[&str] = &[
    "machine_adc",
    "machine_bitstream",
    "machine_i2c",
    "machine_mem",
    "machine_pulse",
    "machine_pwm",
    "machine_signal",
    "machine_spi",
    "machine_uart",
    "machine_wdt",
    "modasyncio",
    "modbinascii",
    "modhashlib",
    "modheapq",
    "modjson",
    "modmachine",
    "modonewire",
    "modos",
    "modplatform",
    "modrandom",
    "modre",
    "modselect",
    "modtime",
    "moductypes",
    "modvfs",
    "vfs",
    "vfs_blockdev",
    "vfs_lfs",
    "vfs_reader",
    "virtpin",
];

const SHARED: &[&str] = &[
    "libc/printf",
    "libc/string0",
    "readline/readline",
    "runtime/gchelper_native",
    "runtime/interrupt_char",
    "runtime/mpirq",
    "runtime/pyexec",
    "runtime/stdout_helpers",
    "runtime/sys_stdio_mphal",
    "timeutils/timeutils",
];

/// `SRC_LIB_LIBM_C` and `SRC_LIB_LIBM_SQRT_SW_C` of `extmod/extmod.mk`.
const LIBM: &[&str] = &[
    "acoshf",
    "asinfacosf",
    "asinhf",
    "atan2f",
    "atanf",
    "atanhf",
    "ef_rem_pio2",
    "ef_sqrt",
    "erf_lgamma",
    "fmodf",
    "kf_cos",
    "kf_rem_pio2",
    "kf_sin",
    "kf_tan",
    "log1pf",
    "math",
    "nearbyintf",
    "roundf",
    "sf_cos",
    "sf_erf",
    "sf_frexp",
    "sf_ldexp",
    "sf_modf",
    "sf_sin",
    "sf_tan",
    "wf_lgamma",
    "wf_tgamma",
];

const LITTLEFS: &[&str] = &["lfs2", "lfs2_util"];

const DRIVERS: &[&str] = &["bus/softspi", "dht/dht"];

const PORT: &[&str] = &[
    "irq",
    "lifecycle",
    "machine_bus",
    "machine_pin",
    "machine_rtc",
    "machine_timer",
    "modesp32",
    "modflashbdev",
    "mphal",
];
/// What an official build does not have; the feature `plain` leaves it out.
const LESSONS: &[&str] = &["modlab", "modpyb"];

fn main() {
    println!("cargo:rerun-if-env-changed=MICROPYTHON_SRC");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=port");
    println!("cargo:rerun-if-changed=releases.rs");

    let top = match env::var_os("MICROPYTHON_SRC") {
        Some(folder) => PathBuf::from(folder),
        None => fail("MICROPYTHON_SRC is not set to a MicroPython source folder; run `cargo xtask firmware`"),
    };
    let release = release_of(&top);
    // What the firmware is built from; `hello` and `sys.version` say so.
    println!("cargo:rustc-env=MICROPYTHON_VERSION={}", release.version);
    Core::new(top, release).build();
}

/// Ends the build with one sentence.
fn fail(message: &str) -> ! {
    println!("cargo:error={message}");
    eprintln!("{message}");
    exit(1)
}

/// Whether the firmware is to behave as an official build.
fn is_plain() -> bool {
    env::var_os("CARGO_FEATURE_PLAIN").is_some()
}

/// The release that a source folder holds.
fn release_of(top: &Path) -> &'static Release {
    let header = top.join("py/mpconfig.h");
    let Ok(text) = fs::read_to_string(&header) else {
        fail(&format!("{} is missing: MICROPYTHON_SRC is no MicroPython source folder", header.display()));
    };
    let number = |part: &str| {
        let define = format!("#define MICROPY_VERSION_{part} ");
        text.lines().find_map(|line| line.strip_prefix(&define)).unwrap_or("?").trim().to_owned()
    };
    let found = format!("{}.{}.{}", number("MAJOR"), number("MINOR"), number("MICRO"));
    Release::of(&found).unwrap_or_else(|| {
        let known = RELEASES.map(|release| release.version).join(" or ");
        fail(&format!("MICROPYTHON_SRC holds MicroPython {found}; the firmware is built from {known}"))
    })
}

/// Runs a command to its end; the build stops where it fails.
fn run(command: &mut Command) -> Vec<u8> {
    match command.output() {
        Ok(output) if output.status.success() => output.stdout,
        Ok(output) => {
            eprintln!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            fail(&format!("{} failed while the MicroPython core was being built", command.get_program().display()))
        }
        Err(error) => fail(&format!("{} cannot be started ({error}); install it", command.get_program().display())),
    }
}

struct Core {
    top: PathBuf,
    release: &'static Release,
    crate_dir: PathBuf,
    out: PathBuf,
}

impl Core {
    fn new(top: PathBuf, release: &'static Release) -> Self {
        let path = |name: &str| PathBuf::from(env::var_os(name).unwrap_or_else(|| fail("not run by cargo")));
        // A folder for each release: make and the freezing tool go by dates, and would keep what another one left.
        let out = path("OUT_DIR").join(release.version);
        Self { top, release, crate_dir: path("CARGO_MANIFEST_DIR"), out }
    }

    fn genhdr(&self, name: &str) -> PathBuf {
        self.out.join("genhdr").join(name)
    }

    fn flags(&self) -> Vec<String> {
        let mut flags: Vec<String> = [
            "-march=rv32imc_zicsr",
            "-mabi=ilp32",
            "-mcmodel=medlow",
            "-std=gnu99",
            "-Os",
            "-DNDEBUG",
            "-ffunction-sections",
            "-fdata-sections",
            "-fno-common",
            "-Wall",
            "-Wno-unused-parameter",
            "--specs=picolibc.specs",
            "-DMICROPY_ROM_TEXT_COMPRESSION=1",
            "-DMICROPY_MODULE_FROZEN_MPY=1",
            "-DMICROPY_QSTR_EXTRA_POOL=mp_qstr_frozen_const_pool",
            "-DFFCONF_H=\"lib/oofatfs/ffconf.h\"",
            "-DLFS2_NO_MALLOC",
            "-DLFS2_NO_DEBUG",
            "-DLFS2_NO_WARN",
            "-DLFS2_NO_ERROR",
            "-DLFS2_NO_ASSERT",
        ]
        .map(str::to_owned)
        .into();
        if is_plain() {
            flags.push("-DISRLAB_PLAIN=1".to_owned());
        }
        for folder in [&self.crate_dir, &self.crate_dir.join("port"), &self.top, &self.out] {
            flags.push(format!("-I{}", folder.display()));
        }
        flags
    }

    /// `py/*.c`, and what the port uses of the other folders.
    fn sources(&self) -> Vec<PathBuf> {
        let mut py: Vec<PathBuf> = fs::read_dir(self.top.join("py"))
            .unwrap_or_else(|error| fail(&format!("the folder py cannot be read: {error}")))
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension() == Some(OsStr::new("c")))
            .collect();
        py.sort();
        let listed = |folder: PathBuf, names: &[&str]| -> Vec<PathBuf> {
            names.iter().map(|name| folder.join(name).with_extension("c")).collect()
        };
        py.extend(listed(self.top.join("extmod"), EXTMOD));
        py.extend(listed(self.top.join("extmod"), self.release.extmod));
        py.extend(listed(self.top.join("shared"), SHARED));
        py.extend(listed(self.top.join("drivers"), DRIVERS));
        py.extend(listed(self.crate_dir.join("port"), PORT));
        if !is_plain() {
            py.extend(listed(self.crate_dir.join("port"), LESSONS));
        }
        py
    }

    fn libraries(&self) -> Vec<PathBuf> {
        let listed = |folder: &str, names: &[&str]| -> Vec<PathBuf> {
            names.iter().map(|name| self.top.join(folder).join(name).with_extension("c")).collect()
        };
        [listed("lib/libm", LIBM), listed("lib/littlefs", LITTLEFS)].concat()
    }

    fn python(&self, tool: &str) -> Command {
        let mut command = Command::new("python3");
        command.arg(self.top.join(tool));
        command
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        if let Err(error) = fs::write(self.genhdr(name), content) {
            fail(&format!("{name} cannot be written: {error}"));
        }
    }

    fn build(&self) {
        if let Err(error) = fs::create_dir_all(self.out.join("genhdr")) {
            fail(&format!("the output folder cannot be made: {error}"));
        }
        self.write(
            "mpversion.h",
            format!(
                "#define MICROPY_GIT_TAG \"v{}\"\n#define MICROPY_GIT_HASH \"release\"\n\
                 #define MICROPY_BUILD_DATE \"{}\"\n",
                self.release.version, self.release.date
            ),
        );
        self.collect();
        self.intern_strings();
        let frozen = self.freeze();
        self.compile(&frozen);
    }

    /// Finds what the sources register: strings, modules, root pointers, error texts.
    fn collect(&self) {
        let preprocessed = self.genhdr("qstr.i.last");
        let mut command = self.python("py/makeqstrdefs.py");
        command.args(["pp", "pp", COMPILER, "-E", "output"]).arg(&preprocessed);
        command.arg("cflags").args(self.flags()).args(["-DNO_QSTR", "cxxflags", "-DNO_QSTR", "sources"]);
        let is_nlr = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("nlr"));
        command.args(self.sources().iter().filter(|path| !is_nlr(path)));
        run(command.args(["dependencies", "changed_sources"]));

        for (mode, folder, collected) in [
            ("qstr", "qstr", "qstrdefs.collected.h"),
            ("module", "module", "moduledefs.collected"),
            ("root_pointer", "root_pointer", "root_pointers.collected"),
            ("compress", "compress", "compressed.collected"),
        ] {
            let folder = self.genhdr(folder);
            // Files of a former build would stay in the collection.
            let _ = fs::remove_dir_all(&folder);
            let split = ["split", mode];
            run(self.python("py/makeqstrdefs.py").args(split).arg(&preprocessed).arg(&folder).arg("_"));
            let cat = ["cat", mode, "_"];
            run(self.python("py/makeqstrdefs.py").args(cat).arg(&folder).arg(self.genhdr(collected)));
        }
        for (tool, collected, made) in [
            ("py/makemoduledefs.py", "moduledefs.collected", "moduledefs.h"),
            ("py/make_root_pointers.py", "root_pointers.collected", "root_pointers.h"),
            ("py/makecompresseddata.py", "compressed.collected", "compressed.data.h"),
        ] {
            let content = run(self.python(tool).arg(self.genhdr(collected)));
            self.write(made, content);
        }
    }

    /// Runs the lists of strings through the preprocessor, protecting the Q() lines from it.
    fn intern_strings(&self) {
        let mut quoted = String::new();
        for list in [self.top.join("py/qstrdefs.h"), self.genhdr("qstrdefs.collected.h")] {
            let text = fs::read_to_string(&list)
                .unwrap_or_else(|error| fail(&format!("{} cannot be read: {error}", list.display())));
            for line in text.lines() {
                if line.starts_with("Q(") {
                    quoted.push_str(&format!("\"{line}\"\n"));
                } else {
                    quoted.push_str(line);
                    quoted.push('\n');
                }
            }
        }
        self.write("qstrdefs.quoted.h", quoted);
        let expanded = run(Command::new(COMPILER).arg("-E").args(self.flags()).arg(self.genhdr("qstrdefs.quoted.h")));
        let unquoted: String = String::from_utf8_lossy(&expanded)
            .lines()
            .map(|line| line.strip_prefix('"').and_then(|line| line.strip_suffix('"')).unwrap_or(line))
            .map(|line| format!("{line}\n"))
            .collect();
        self.write("qstrdefs.preprocessed.h", unquoted);
        let generated = run(self.python("py/makeqstrdata.py").arg(self.genhdr("qstrdefs.preprocessed.h")));
        self.write("qstrdefs.generated.h", generated);
    }

    /// Compiles the frozen Python modules; `mpy-cross` is built from the same tree.
    fn freeze(&self) -> PathBuf {
        let cross = self.out.join("mpy-cross");
        let mut make = Command::new("make");
        make.arg("-s").arg("-C").arg(self.top.join("mpy-cross"));
        make.arg(format!("BUILD={}", cross.display()));
        // The variables of the cross build must not reach the compiler of the host.
        for name in ["CFLAGS", "CC", "TARGET", "MAKEFLAGS", "MFLAGS"] {
            make.env_remove(name);
        }
        make.env("SOURCE_DATE_EPOCH", self.release.epoch.to_string());
        make.env("MICROPY_GIT_TAG", format!("v{}", self.release.version));
        run(&mut make);

        let frozen = self.out.join("frozen_content.c");
        // The tool looks at its modules' dates only, and not at the strings that the C sources have by now.
        let _ = fs::remove_file(&frozen);
        let mut command = self.python("tools/makemanifest.py");
        command.current_dir(self.crate_dir.join("port"));
        command.env("MICROPY_MPYCROSS", cross.join("mpy-cross"));
        command.arg("-o").arg(&frozen).arg("-b").arg(&self.out);
        command.arg("-v").arg(format!("MPY_DIR={}", self.top.display())).arg("-v").arg("PORT_DIR=.");
        command.arg("-v").arg(format!("MPY_LIB_DIR={}", self.top.join("lib/micropython-lib").display()));
        command.arg("-f=-march=rv32imc").arg("manifest.py");
        run(&mut command);
        frozen
    }

    fn cc(&self) -> cc::Build {
        let mut build = cc::Build::new();
        build.compiler(COMPILER).archiver(ARCHIVER).inherit_rustflags(false).no_default_flags(true).warnings(false);
        for flag in self.flags() {
            build.flag(flag);
        }
        build
    }

    fn compile(&self, frozen: &Path) {
        let named = |name: &'static str| move |path: &PathBuf| path.file_stem() == Some(OsStr::new(name));
        let special = ["gc", "vm", "scheduler", "string0"];
        let mut core = self.cc();
        core.files(self.sources().iter().filter(|path| !special.iter().any(|name| named(name)(path))));
        core.file(frozen).file(self.top.join("shared/runtime/gchelper_rv32i.s"));
        core.compile("micropython_core");

        // Speed counts here, as upstream's makefiles say; the entry of the VM is wrapped in lifecycle.c.
        let mut fast = self.cc();
        fast.flag("-O3").define("mp_execute_bytecode", "port_vm_execute");
        fast.files([self.top.join("py/gc.c"), self.top.join("py/vm.c")]);
        fast.compile("micropython_vm");

        // Queued functions are called through irq.c, which reports their exceptions.
        let mut scheduler = self.cc();
        scheduler.define("mp_call_function_1_protected", "port_call_scheduled");
        scheduler.file(self.top.join("py/scheduler.c")).compile("micropython_scheduler");

        // gcc would make strlen out of the loop in strlen.
        let mut string = self.cc();
        for flag in ["-ffreestanding", "-fno-builtin", "-fno-tree-loop-distribute-patterns"] {
            string.flag(flag);
        }
        string.file(self.top.join("shared/libc/string0.c")).compile("micropython_string");

        let mut libraries = self.cc();
        libraries.flag("-w").files(self.libraries()).compile("micropython_libraries");
    }
}
