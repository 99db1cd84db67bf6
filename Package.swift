// swift-tools-version: 6.2
import PackageDescription

#if canImport(Glibc)
  import Glibc
#endif

let swiftSettings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableExperimentalFeature("Lifetimes"),
  .strictMemorySafety(),
]

let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

/// The wings of the house, each in a folder of Sources and one of Tests; docs/architecture.md draws
/// them. What a module lists is exactly what it imports.
enum Wing: String {
  case system = "System"
  case base = "Base"
  case tensors = "Tensors"
  case checkpoints = "Checkpoints"
  case compute = "Compute"
  case models = "Models"
  case method = "Method"
  case jobs = "Jobs"
  case face = "Face"
  case commands = "Commands"

  /// The wings whose modules those of this one may use, besides its own.
  var below: [Wing] {
    switch self {
    case .system: []
    case .base: [.system]
    case .tensors: [.system, .base]
    case .checkpoints: [.system, .base, .tensors]
    case .compute: [.system, .base, .tensors]
    case .models: [.system, .base, .tensors, .checkpoints, .compute]
    case .method: [.system, .base, .tensors, .checkpoints, .compute, .models]
    case .jobs: [.system, .base, .tensors, .checkpoints, .compute, .models, .method]
    case .face: [.system, .base]
    case .commands: [.base, .tensors, .checkpoints, .compute, .models, .method, .jobs, .face]
    }
  }

  /// Whether tests compute much themselves: reference loops.
  var testsCompute: Bool { [.tensors, .compute, .models, .method].contains(self) }
}

/// The wing of every module of Sources that has been listed so far.
nonisolated(unsafe) var wings: [String: Wing] = [:]

/// Notes a module, and refuses one that uses what its wing stands below of.
func place(_ name: String, in wing: Wing, _ dependencies: [Target.Dependency]) {
  for case .byNameItem(let used, _) in dependencies {
    guard let other = wings[used] else {
      fatalError("Package.swift: \(name) uses \(used), which is not listed before it")
    }
    precondition(
      other == wing || wing.below.contains(other),
      "Package.swift: \(name) in \(wing.rawValue) must not use \(used) in \(other.rawValue); "
        + "\(wing.rawValue) stands on: \(wing.below.map(\.rawValue).joined(separator: ", "))")
  }
  wings[name] = wing
}

/// The archive of a C library of the system, so that it becomes part of programs; the library itself where
/// the system has no archive of it.
func archive(_ name: String) -> LinkerSetting {
  let folders = [
    "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib",
  ]
  let paths: [String] = folders.map { "\($0)/lib\(name).a" }
  guard let path = paths.first(where: { access($0, R_OK) == 0 }) else {
    return .linkedLibrary(name)
  }
  return .unsafeFlags([path])
}

/// A C library of the system, or C code of this package.
func system(_ name: String, _ target: Target) -> Target {
  place(name, in: .system, target.dependencies)
  target.path = "Sources/System/\(name)"
  return target
}

/// A library of this package, and the C libraries that it calls.
func library(
  _ name: String, in wing: Wing, archives: [String] = [], _ dependencies: Target.Dependency...
) -> Target {
  place(name, in: wing, dependencies)
  return .target(
    name: name, dependencies: dependencies, path: "Sources/\(wing.rawValue)/\(name)",
    swiftSettings: swiftSettings, linkerSettings: archives.map(archive))
}

/// Names of the program with all commands.
nonisolated(unsafe) var programs = ["glance"]

/// A thin command: arguments in, calls to libraries, text out. The program with all of them runs it where it
/// is called by its name.
func command(_ name: String, in module: String, _ dependencies: Target.Dependency...) -> Target {
  place(module, in: .commands, dependencies)
  programs.append(name)
  return .target(
    name: module, dependencies: dependencies + ["CommandSupport", argumentParser, system],
    path: "Sources/Commands/\(name)", swiftSettings: swiftSettings)
}

/// Settings of tests that compute little themselves: they take half the time to compile.
let unoptimised = swiftSettings + [.unsafeFlags(["-Onone"])]

/// A program that only those who work on this package run, or the demo.
func tool(
  _ name: String, at path: String, linking settings: [LinkerSetting] = [],
  _ dependencies: Target.Dependency...
) -> Target {
  .executableTarget(
    name: name, dependencies: dependencies, path: path, swiftSettings: swiftSettings,
    linkerSettings: settings)
}

/// Whether this machine has C++'s library as an archive, as Debian has it with the compiler.
func hasCxxArchive() -> Bool {
  var found = glob_t()
  defer { globfree(&found) }
  return glob("/usr/lib/gcc/*/*/libstdc++.a", 0, nil, &found) == 0
}

/// Links Swift's own library into a program, which then runs where there is no Swift: swift-argument-parser
/// takes the essentials of Foundation, which need two archives more. Nobody looks up names in it, which
/// `-static-stdlib` would export: they take a megabyte. To load C++'s library and look up its names would take a
/// tenth of a command's start; `-static-stdlib` names it before whatever a package says, so that a file of its
/// name stands before it where libraries are looked for. lld, which Swift brings along, finds archives in any order.
let withoutSwift: [LinkerSetting] = [
  .unsafeFlags([
    "-static-stdlib", "-l_FoundationCShims", "-l_FoundationCollections", "-use-ld=lld", "-Xlinker",
    "--gc-sections", "-Xlinker", "--no-export-dynamic",
  ]),
  .unsafeFlags(
    hasCxxArchive()
      ? [
        "-L", Context.packageDirectory + "/Sources/System/Linking", "-Xclang-linker",
        "-static-libgcc",
      ] : []),
]

/// What tests share.
func support(_ name: String, _ dependencies: Target.Dependency...) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Tests/Support/\(name)",
    swiftSettings: swiftSettings)
}

/// The tests of a library, in the same wing of Tests.
func tests(_ library: String, in wing: Wing, _ dependencies: Target.Dependency...) -> Target {
  .testTarget(
    name: library + "Tests",
    dependencies: dependencies + [.target(name: library), "TestSupport", system],
    path: "Tests/\(wing.rawValue)/\(library)Tests",
    swiftSettings: wing.testsCompute ? swiftSettings : unoptimised)
}

let package = Package(
  name: "glance",
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
  ],
  targets: [
    // System: C libraries and C code
    system(
      "CZstd",
      .systemLibrary(name: "CZstd", providers: [.apt(["libzstd-dev"])])),
    system(
      "CJSONC",
      .systemLibrary(name: "CJSONC", providers: [.apt(["libjson-c-dev"])])),
    system(
      "CPNG",
      .systemLibrary(name: "CPNG", providers: [.apt(["libpng-dev"])])),
    system(
      "CJPEG",
      .systemLibrary(
        name: "CJPEG", providers: [.apt(["libjpeg62-turbo-dev"])])),
    system(
      "CWebP",
      .systemLibrary(name: "CWebP", providers: [.apt(["libwebp-dev"])])),
    system(
      "COpenSSL",
      .systemLibrary(
        name: "COpenSSL", providers: [.apt(["libssl-dev"])])),
    system(
      "CXXHash",
      .systemLibrary(
        name: "CXXHash", providers: [.apt(["libxxhash-dev"])])),
    system(
      "COpenBLAS", .target(name: "COpenBLAS", linkerSettings: [.linkedLibrary("dl")])),
    system("CFileGuard", .target(name: "CFileGuard")),
    system("CKernels", .target(name: "CKernels")),
    system("CMPI", .target(name: "CMPI", linkerSettings: [.linkedLibrary("dl")])),
    system("CFormats", .target(name: "CFormats")),
    system("CPrograms", .target(name: "CPrograms")),
    system("CTorch", .target(name: "CTorch")),
    system(
      "CPictures",
      .target(
        name: "CPictures", dependencies: ["CJPEG", "CPNG", "CWebP"],
        linkerSettings: ["png", "z", "jpeg", "webp"].map(archive))),

    // Base: what any program needs: failures, threads, files, documents, pictures
    library("Concurrency", in: .base),
    library("Failures", in: .base),
    library("Text", in: .base),
    library("JSON", in: .base, archives: ["json-c"], "CJSONC", "Text"),
    library(
      "Files", in: .base, archives: ["crypto", "xxhash"],
      "CFileGuard", "COpenSSL", "CXXHash", "Concurrency", "Failures", "JSON", "Text", system),
    library("Formats", in: .base, "CFormats", "JSON", "Text"),
    library("Pictures", in: .base, "CPictures", "Failures", "Formats", "JSON", system),
    library("MessagePassing", in: .base, "CMPI", "Failures", "JSON"),

    // Tensors: elements, tensors, and the containers that keep them
    library("Elements", in: .tensors, "CKernels", "Failures"),
    library(
      "Tensors", in: .tensors,
      "Concurrency", "Elements", "Failures", "Files", "JSON", "Text", system),
    library(
      "GGUF", in: .tensors,
      "Elements", "Failures", "Files", "Formats", "JSON", "Tensors", "Text", system),
    library(
      "Safetensors", in: .tensors,
      "Elements", "Failures", "Files", "JSON", "Tensors", "Text", system),
    library(
      "Compression", in: .tensors, archives: ["zstd", "xxhash"],
      "CFileGuard", "CKernels", "CXXHash", "CZstd", "Concurrency", "Elements", "Failures", "Files",
      "JSON", "Safetensors", "Tensors", "Text", system),
    library("Containers", in: .tensors, "Compression", "GGUF", "Safetensors", "Tensors", system),

    // Checkpoints: what files mean, and a checkpoint written anew
    library(
      "Checkpoints", in: .checkpoints,
      "Compression", "Concurrency", "Containers", "Elements", "Failures", "Files", "Formats",
      "JSON", "Safetensors", "Tensors", "Text", system),
    library(
      "Adapters", in: .checkpoints,
      "Checkpoints", "Concurrency", "Elements", "Failures", "Files", "Formats", "JSON",
      "Safetensors", "Tensors", "Text", system),
    library(
      "Rewriting", in: .checkpoints,
      "Checkpoints", "Compression", "Concurrency", "Containers", "Elements", "Failures", "Files",
      "GGUF", "JSON", "Safetensors", "Tensors", "Text", system),

    // Compute: arithmetic with gradients
    library(
      "Compute", in: .compute,
      "CKernels", "COpenBLAS", "Concurrency", "Elements", "Failures", "Files", "Tensors"),
    library("LinearAlgebra", in: .compute, "COpenBLAS", "Compute"),
    library(
      "TorchCompute", in: .compute,
      "CTorch", "Compute", "Concurrency", "Elements", "Failures", "Files", "Tensors", system),

    library(
      "Caching", in: .compute,
      "Compute", "Elements", "Failures", "Files", "JSON", "Safetensors", "Tensors", system),

    // Models: the networks
    library(
      "ModelLoading", in: .models,
      "Checkpoints", "Compute", "Elements", "JSON", "Tensors", system),
    library(
      "Autoencoders", in: .models,
      "CKernels", "Compute", "Concurrency", "Elements", "Failures", "JSON", "ModelLoading",
      "Tensors", system),
    library(
      "DiffusionTransformers", in: .models,
      "Compute", "Concurrency", "Elements", "Failures", "ModelLoading"),
    library("TextEncoders", in: .models, "Compute", "Elements", "JSON", "ModelLoading", "Tensors"),
    library("Tokenizers", in: .models, "Failures", "Files", "JSON", "Text", system),

    // Method: the Glance method
    library("Schedules", in: .method, "Elements", "Failures", "Formats", "JSON", "Text"),
    library(
      "Pipelines", in: .method,
      "Autoencoders", "Caching", "Checkpoints", "Compression", "Compute", "DiffusionTransformers",
      "Failures", "Files", "Formats", "JSON", "ModelLoading", "Pictures", "Schedules", "Tensors",
      "TextEncoders", "Tokenizers", system),
    library(
      "Sampling", in: .method,
      "Adapters", "Compute", "DiffusionTransformers", "Elements", "Failures", "Schedules",
      "Tensors"),
    library(
      "Training", in: .method,
      "Caching", "Compute", "Concurrency", "DiffusionTransformers", "Elements", "Failures", "Files",
      "JSON", "MessagePassing", "Safetensors", "Sampling", "Schedules", "Tensors", system),

    // Jobs: what a command calls
    library(
      "AdapterAlgebra", in: .jobs,
      "Adapters", "Checkpoints", "Compute", "Concurrency", "Elements", "Failures", "JSON",
      "LinearAlgebra", "Tensors", system),
    library(
      "Conversion", in: .jobs,
      "AdapterAlgebra", "Adapters", "Checkpoints", "Elements", "Failures", "Files", "JSON",
      "Rewriting", "Tensors",
      system),
    library(
      "Merging", in: .jobs,
      "AdapterAlgebra", "Adapters", "CKernels", "Checkpoints", "Compression", "Compute",
      "Concurrency", "Containers", "Elements", "Failures", "Files", "JSON", "Rewriting",
      "Safetensors", "Tensors", "Text", system),
    library(
      "Drawing", in: .jobs,
      "Adapters", "Autoencoders", "Caching", "Checkpoints", "Compute", "Containers",
      "DiffusionTransformers",
      "Elements", "Failures", "Files", "JSON", "Merging", "Pictures", "Pipelines", "Sampling",
      "Schedules",
      "Tensors", "Text", system),
    library(
      "Evaluation", in: .jobs,
      "Adapters", "Caching", "Checkpoints", "Compute", "Concurrency", "Containers",
      "DiffusionTransformers",
      "Drawing", "Elements", "Failures", "Files", "JSON", "LinearAlgebra", "MessagePassing",
      "ModelLoading", "Pictures", "Schedules", "Tensors", "TextEncoders", "Tokenizers", system),
    library(
      "ExpertTraining", in: .jobs,
      "Adapters", "Autoencoders", "Caching", "Checkpoints", "Compute", "DiffusionTransformers",
      "Elements", "Failures", "Files", "JSON", "MessagePassing", "Pictures", "Pipelines",
      "Schedules", "Tensors", "Training", system),
    library(
      "PictureBenchmarks", in: .jobs,
      "Drawing", "Failures", "Files", "Formats", "JSON", "Pictures", "Schedules", "Text", system),
    library(
      "Ablation", in: .jobs,
      "Compute", "Concurrency", "Drawing", "Evaluation", "ExpertTraining", "Files", "JSON",
      "MessagePassing", "Schedules", "Training", system),
    library(
      "Inspection", in: .jobs,
      "Adapters", "CKernels", "Checkpoints", "Concurrency", "Containers", "Elements", "Failures",
      "Files", "GGUF", "JSON", "Pictures", "Safetensors", "Tensors", system),
    library(
      "Benchmarking", in: .jobs,
      "Autoencoders", "CKernels", "COpenBLAS", "CPrograms", "Checkpoints", "Compute", "Concurrency",
      "DiffusionTransformers", "Elements", "Failures", "Files", "JSON", "Merging", "ModelLoading",
      "Pipelines", "Rewriting", "Schedules", "Tensors", "TorchCompute", "Training", system),

    // Face: what a person sees: text, pages, options, progress
    library("Reports", in: .face, "Failures", "JSON", "Text"),
    library(
      "CommandSupport", in: .face,
      "Concurrency", "Failures", "Files", "JSON", "Reports", "Text", argumentParser, system),

    // Commands: thin
    library(
      "OptionGroups", in: .commands,
      "Adapters", "Caching", "CommandSupport", "Compute", "Drawing", "Elements", "Failures",
      "Files", "JSON", "MessagePassing", "Reports", "Rewriting", "Schedules", "TorchCompute",
      argumentParser, system),
    library(
      "TrainingOptionGroups", in: .commands,
      "Adapters", "CommandSupport", "ExpertTraining", "Failures", "Files", "JSON", "Schedules",
      "Training",
      argumentParser, system),
    command(
      "glance-bench", in: "BenchCommand",
      "Adapters", "Benchmarking", "Compute", "Concurrency", "JSON", "Merging", "OptionGroups",
      "Reports", "TorchCompute"),
    command(
      "glance-convert", in: "ConvertCommand",
      "AdapterAlgebra", "Adapters", "Checkpoints", "Concurrency", "Conversion", "Elements", "JSON",
      "OptionGroups",
      "Reports", "Rewriting", "Tensors"),
    command(
      "glance-eval", in: "EvalCommand",
      "Ablation", "Adapters", "Compute", "Concurrency", "DiffusionTransformers", "Drawing",
      "Evaluation", "ExpertTraining", "Failures", "Files", "JSON", "MessagePassing",
      "OptionGroups", "PictureBenchmarks", "Pictures", "Pipelines", "Reports", "Schedules",
      "TrainingOptionGroups"),
    command(
      "glance-inspect", in: "InspectCommand",
      "Adapters", "Checkpoints", "Concurrency", "Elements", "Failures", "Files", "Inspection",
      "JSON", "Pictures", "Reports", "Tensors"),
    command(
      "glance-merge", in: "MergeCommand",
      "AdapterAlgebra", "Adapters", "Compute", "Concurrency", "Elements", "JSON", "Merging",
      "OptionGroups", "Reports", "Rewriting"),
    command(
      "glance-sample", in: "SampleCommand",
      "Adapters", "Autoencoders", "Compute", "Concurrency", "Containers", "DiffusionTransformers",
      "Drawing",
      "Elements", "Files", "JSON", "OptionGroups", "Pictures", "Reports", "Schedules", "Tensors"),
    command(
      "glance-train-lora", in: "TrainLoRACommand",
      "Adapters", "Checkpoints", "Compute", "Concurrency", "Drawing", "Elements", "ExpertTraining",
      "Failures", "Files", "JSON", "MessagePassing", "OptionGroups", "Pictures", "Pipelines",
      "Reports", "Schedules", "TorchCompute", "Training", "TrainingOptionGroups"),
    .executableTarget(
      name: "glance",
      dependencies: [
        "BenchCommand", "CommandSupport", "ConvertCommand", "EvalCommand", "InspectCommand",
        "MergeCommand", "SampleCommand", "TrainLoRACommand", argumentParser,
      ],
      path: "Sources/Commands/glance", swiftSettings: swiftSettings,
      linkerSettings: withoutSwift),

    // Tools
    tool(
      "demo-page", at: "tools/demo-page", linking: withoutSwift,
      "CommandSupport", "Files", "JSON", "Reports", "Schedules", argumentParser, system),
    tool("manual-page", at: "tools/manual-page", "CommandSupport", "JSON", argumentParser, system),
    tool(
      "compression-benchmark", at: "tools/compression-benchmark",
      "CKernels", "CZstd", "Checkpoints", "Compression", "Concurrency", "Elements", "Safetensors",
      "Tensors", system),
    // Its data are read where they are, beside the code.
    .target(
      name: "Synthesis",
      dependencies: [
        "Adapters", "Checkpoints", "Concurrency", "Elements", "Files", "Formats", "JSON",
        "Safetensors", "Tensors", "Text", system,
      ],
      path: "tools/synthesis", exclude: ["published"], swiftSettings: swiftSettings),
    tool(
      "synthesize-checkpoint", at: "tools/synthesize",
      "Adapters", "Checkpoints", "CommandSupport", "Concurrency", "Elements", "OptionGroups",
      "Reports", "Synthesis", "Tensors", argumentParser, system),
    tool(
      "command-probe", at: "Tests/Support/CommandProbe",
      "CommandSupport", "Failures", "Files", "JSON", "Safetensors", argumentParser, system),

    // Tests
    support(
      "TestSupport",
      "Concurrency", "Elements", "Files", "JSON", "MessagePassing", "Safetensors", "Tensors", system
    ),
    support(
      "ModelTestSupport",
      "Compute", "DiffusionTransformers", "JSON", "ModelLoading", "Safetensors", "Tensors",
      "TestSupport", "TorchCompute", system),
    tests("Concurrency", in: .base),
    tests("Files", in: .base, "Failures"),
    tests("JSON", in: .base),
    tests("MessagePassing", in: .base, "Failures", "JSON"),
    tests("Pictures", in: .base, "Files", "JSON", "Safetensors", "Tensors"),
    tests(
      "Compression", in: .tensors,
      "Concurrency", "Elements", "Failures", "Files", "Safetensors", "Tensors"),
    tests("Elements", in: .tensors, "CKernels", "Safetensors", "Tensors"),
    tests("GGUF", in: .tensors, "Elements", "Failures", "Files", "JSON", "Safetensors", "Tensors"),
    tests("Safetensors", in: .tensors, "Elements", "Failures", "Files", "JSON", "Tensors"),
    tests(
      "Adapters", in: .checkpoints,
      "Checkpoints", "Elements", "Files", "JSON", "Safetensors", "Tensors", "Text"),
    tests(
      "Checkpoints", in: .checkpoints,
      "Elements", "Files", "Formats", "JSON", "Safetensors", "Tensors"),
    tests(
      "Caching", in: .compute,
      "Compute", "Elements", "Files", "JSON", "Safetensors", "Tensors"),
    tests("Compute", in: .compute, "CKernels", "Concurrency", "Elements", "Tensors"),
    tests(
      "TorchCompute", in: .compute,
      "Compute", "DiffusionTransformers", "Elements", "Failures", "Files", "ModelTestSupport",
      "Sampling", "Schedules", "Tensors", "Training"),
    tests(
      "Autoencoders", in: .models,
      "Compute", "Elements", "JSON", "ModelLoading", "ModelTestSupport", "Safetensors", "Tensors",
      "TorchCompute"),
    tests(
      "DiffusionTransformers", in: .models,
      "Compute", "ModelTestSupport", "Safetensors", "Tensors"),
    tests("ModelLoading", in: .models, "Compute", "Elements", "JSON", "Tensors"),
    tests(
      "TextEncoders", in: .models,
      "Compute", "JSON", "ModelLoading", "ModelTestSupport", "Safetensors", "Tensors",
      "TorchCompute"),
    tests("Tokenizers", in: .models, "Failures", "Files", "JSON", "Safetensors", "Tensors"),
    tests(
      "Pipelines", in: .method,
      "Autoencoders", "Checkpoints", "Compute", "DiffusionTransformers", "JSON", "Safetensors",
      "Schedules", "Tensors"),
    tests(
      "Sampling", in: .method,
      "Adapters", "Compute", "DiffusionTransformers", "ModelTestSupport", "Schedules"),
    tests("Schedules", in: .method, "Failures", "JSON", "Safetensors", "Tensors"),
    tests(
      "Training", in: .method,
      "Compute", "DiffusionTransformers", "JSON", "MessagePassing", "ModelTestSupport", "Sampling",
      "Schedules"),
    tests(
      "AdapterAlgebra", in: .jobs,
      "Adapters", "Checkpoints", "Elements", "JSON", "Safetensors", "Tensors"),
    tests("Benchmarking", in: .jobs, "Compute"),
    tests(
      "Conversion", in: .jobs,
      "AdapterAlgebra", "Adapters", "Checkpoints", "Concurrency", "Elements", "Files", "GGUF",
      "Inspection", "JSON", "Merging", "Rewriting", "Safetensors", "Tensors"),
    tests(
      "Drawing", in: .jobs,
      "Adapters", "Checkpoints", "Compute", "DiffusionTransformers", "Elements", "Failures", "JSON",
      "Merging", "ModelTestSupport", "Pipelines", "Rewriting", "Safetensors", "Sampling",
      "Schedules", "Tensors"),
    tests(
      "Evaluation", in: .jobs, "Compute", "Drawing", "JSON", "Pictures", "Safetensors", "Tensors"),
    tests(
      "ExpertTraining", in: .jobs,
      "Checkpoints", "Compute", "DiffusionTransformers", "Elements", "Failures", "Files", "JSON",
      "ModelTestSupport", "Pipelines", "Rewriting", "Safetensors", "Schedules", "Tensors"),
    tests(
      "Inspection", in: .jobs,
      "Elements", "Files", "JSON", "Safetensors", "Tensors", "Text"),
    tests("PictureBenchmarks", in: .jobs, "Failures", "Files", "JSON", "Pictures"),
    tests(
      "Merging", in: .jobs,
      "AdapterAlgebra", "Adapters", "Checkpoints", "Concurrency", "Elements", "Files", "GGUF",
      "JSON", "Rewriting", "Safetensors", "Tensors"),
    tests(
      "CommandSupport", in: .face,
      "command-probe", "Elements", "Failures", "JSON", "Reports", argumentParser),
    tests("Reports", in: .face),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "Adapters", "Compute", "Elements", "Files", "GGUF", "JSON", "ModelTestSupport", "Pictures",
        "Safetensors", "Tensors", "TestSupport", system,
      ],
      path: "Tests/Commands/CommandTests", swiftSettings: unoptimised),
    .testTarget(
      name: "SynthesisTests",
      dependencies: [
        "synthesize-checkpoint", "Checkpoints", "Compute", "Concurrency", "DiffusionTransformers",
        "Elements", "Files", "JSON", "ModelLoading", "Pipelines", "Safetensors", "Synthesis",
        "Tensors", "TestSupport", "TextEncoders", system,
      ],
      path: "Tests/Tools/SynthesisTests", swiftSettings: swiftSettings),
  ],
  cLanguageStandard: .c2x
)

// With FUZZ in the environment, as `tools/fuzz` sets it: a libFuzzer program for each folder here.
if Context.environment["FUZZ"] != nil {
  /// What is fed with made-up input, and the libraries that it calls.
  let fuzzTargets: [(name: String, dependencies: [Target.Dependency])] = [
    ("header", ["Elements", "Safetensors", "Tensors", "Text"]),
    ("index", ["Safetensors"]),
    (
      "encodings",
      ["Checkpoints", "Elements", "JSON", "MemoryFiles", "Safetensors", "Tensors"]
    ),
    ("json", ["Checkpoints", "Elements", "JSON", "Tensors", "Text"]),
    ("picture", ["MemoryFiles", "Pictures"]),
    ("adapter-names", ["Adapters", "Elements", "Tensors", "Text"]),
    ("gguf", ["Checkpoints", "Elements", "GGUF", "MemoryFiles", "Tensors"]),
    ("packed", ["Compression", "Elements", "Safetensors", "Tensors"]),
    ("terminal", ["Reports"]),
  ]
  package.targets += [
    .target(name: "CFuzzing", path: "tools/fuzzing/CFuzzing"),
    .target(
      name: "FuzzSupport", dependencies: ["CFuzzing"], path: "tools/fuzzing/FuzzSupport",
      swiftSettings: swiftSettings),
    .target(
      name: "MemoryFiles", dependencies: ["CFuzzing", system], path: "tools/fuzzing/MemoryFiles",
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "header-probe",
      dependencies: ["Elements", "MemoryFiles", "Safetensors", "Tensors", system],
      path: "tools/header-probe", swiftSettings: swiftSettings),
  ]
  package.targets += fuzzTargets.map { name, dependencies in
    .executableTarget(
      name: "fuzz-" + name, dependencies: dependencies + ["FuzzSupport", system],
      path: "tools/fuzzing/" + name, swiftSettings: swiftSettings)
  }
}

package.products += programs.map { .executable(name: $0, targets: ["glance"]) }
