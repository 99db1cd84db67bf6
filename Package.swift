// swift-tools-version: 6.2
import PackageDescription

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

/// A library of this package; what it may import is exactly what it lists.
func library(_ name: String, _ dependencies: Target.Dependency...) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

/// A thin command: arguments in, calls to libraries, text out.
func command(_ name: String, _ dependencies: Target.Dependency...) -> Target {
  .executableTarget(
    name: name, dependencies: dependencies + ["CommandSupport", argumentParser, system],
    swiftSettings: swiftSettings)
}

/// The tests of a library, in `Tests/<library>Tests`.
func tests(_ library: String, _ dependencies: Target.Dependency...) -> Target {
  .testTarget(
    name: library + "Tests",
    dependencies: dependencies + [.target(name: library), "TestSupport", system],
    swiftSettings: swiftSettings)
}

let package = Package(
  name: "glance",
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
  ],
  targets: [
    // C libraries and C code
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CJSONC", pkgConfig: "json-c", providers: [.apt(["libjson-c-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(
      name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg62-turbo-dev"])]),
    .systemLibrary(
      name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
    .target(name: "CFileGuard"),
    .target(name: "CKernels"),
    .target(name: "CFormats"),
    .target(name: "CPictures", dependencies: ["CJPEG", "CPNG"]),

    // Files
    library("Hashing", "COpenSSL", system),
    library("JSON", "CJSONC"),
    library("Pictures", "CPictures", "Failures", system),
    library("Tensors", "CKernels"),
    library("Safetensors", "CFileGuard", "CXXHash", "Failures", "JSON", "Tensors", system),
    library("GGUF", "CKernels", "Failures", "Formats", "JSON", "Safetensors", "Tensors", system),
    library(
      "Compression", "CFileGuard", "CKernels", "CXXHash", "CZstd", "Failures", "JSON",
      "Safetensors", "Tensors", system),
    library("Formats", "CFormats", "JSON"),
    library(
      "Checkpoints", "Compression", "Failures", "Formats", "GGUF", "JSON", "Safetensors", "Tensors",
      system),
    library(
      "Adapters", "Checkpoints", "Failures", "Formats", "JSON", "Safetensors", "Tensors", system),

    // Arithmetic
    library("Compute", "Safetensors", "Tensors", "CKernels", "COpenBLAS"),
    library("DiffusionTransformers", "Compute", "Failures", "ModelLoading"),
    library("ModelLoading", "Compute", "JSON", "Safetensors", "Tensors", system),

    // Text
    library(
      "Autoencoders", "CKernels", "Compute", "Failures", "JSON", "ModelLoading", "Safetensors",
      "Tensors", system),
    library("TextEncoders", "Compute", "JSON", "ModelLoading", "Safetensors"),
    library("Tokenizers", "Failures", "JSON", system),

    // Method
    library("Schedules", "Failures", "Formats", "JSON", "Tensors"),

    // What the commands call
    library(
      "AdapterAlgebra", "Adapters", "Checkpoints", "Compute", "COpenBLAS", "Failures",
      "Safetensors", "Tensors", system),
    library(
      "Conversion", "Adapters", "Checkpoints", "CKernels", "Compression", "Failures", "GGUF",
      "JSON", "Safetensors", "Tensors", system),
    library(
      "Inspection", "Adapters", "Checkpoints", "CKernels", "Failures", "GGUF", "JSON", "Pictures",
      "Safetensors", "Tensors", system),
    library(
      "Pipelines", "Autoencoders", "Checkpoints", "Compute", "DiffusionTransformers", "Failures",
      "Formats", "JSON", "ModelLoading", "Safetensors", "Schedules", "TextEncoders", "Tokenizers",
      system),
    library(
      "Drawing", "Adapters", "Autoencoders", "Checkpoints", "Compute", "DiffusionTransformers",
      "Pictures", "Pipelines", "Safetensors", "Sampling", "Schedules", "Tensors", system),
    library(
      "ExpertTraining", "Adapters", "Autoencoders", "Checkpoints", "Compute",
      "DiffusionTransformers", "Failures", "Hashing", "JSON", "Pictures", "Pipelines",
      "Safetensors", "Schedules", "Tensors", "Training", system),
    library(
      "Sampling", "Adapters", "Compute", "DiffusionTransformers", "Failures", "Safetensors",
      "Schedules", "Tensors"),
    library("Reports", "CommandSupport"),
    library(
      "Merging", "AdapterAlgebra", "Adapters", "CKernels", "Checkpoints", "Compression",
      "Compute", "Conversion", "Failures", "Hashing", "JSON", "Safetensors", "Tensors", system),
    library(
      "Training", "Compute", "DiffusionTransformers", "Failures", "Hashing", "JSON", "Safetensors",
      "Schedules", "Tensors", system),

    // Commands
    library("Failures"),
    library(
      "CommandSupport", "CFileGuard", "Failures", "JSON", "Safetensors", "Tensors", argumentParser,
      system),

    library("ProductTiming", "CommandSupport", "Compute"),
    command(
      "glance-convert", "Adapters", "Checkpoints", "Conversion", "Failures", "JSON", "Safetensors",
      "Tensors"),
    command(
      "glance-merge", "AdapterAlgebra", "Adapters", "Compute", "Conversion", "Failures", "JSON",
      "Merging", "Tensors"),
    command(
      "glance-inspect", "Adapters", "Checkpoints", "Failures", "Inspection", "JSON", "Pictures",
      "Reports", "Safetensors", "Tensors"),
    command(
      "glance-sample", "Adapters", "Compute", "Drawing", "Failures", "JSON", "Pictures",
      "ProductTiming", "Safetensors", "Schedules", "Tensors"),

    command(
      "glance-train-lora", "Checkpoints", "Compute", "ExpertTraining", "Failures", "JSON",
      "Pipelines", "ProductTiming", "Reports", "Safetensors", "Schedules", "Tensors", "Training"),

    .executableTarget(
      name: "demo-page",
      dependencies: [
        "CommandSupport", "Failures", "JSON", "Reports", "Safetensors", "Schedules",
        argumentParser, system,
      ],
      path: "tools/demo-page", swiftSettings: swiftSettings),

    .executableTarget(
      name: "compression-benchmark",
      dependencies: ["CKernels", "CZstd", "Compression", "Safetensors", "Tensors", system],
      path: "tools/compression-benchmark", swiftSettings: swiftSettings),

    .executableTarget(
      name: "synthesize-checkpoint",
      dependencies: [
        "Adapters", "Checkpoints", "CommandSupport", "JSON", "Safetensors", "Tensors",
        argumentParser, system,
      ],
      path: "tools/synthesize", swiftSettings: swiftSettings),

    // Tests
    .executableTarget(
      name: "command-probe",
      dependencies: ["CommandSupport", "Failures", "JSON", "Safetensors", argumentParser, system],
      path: "Tests/CommandProbe", swiftSettings: swiftSettings),
    .target(
      name: "TestSupport", dependencies: ["JSON", "Tensors", "Safetensors", system],
      path: "Tests/TestSupport", swiftSettings: swiftSettings),
    tests("CommandSupport", "command-probe", "Failures", "JSON", argumentParser),
    tests("Autoencoders", "Compute", "JSON", "ModelLoading", "Safetensors", "Tensors"),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "glance-convert", "glance-inspect", "glance-merge", "glance-sample", "glance-train-lora",
        "JSON", "Pictures", "Safetensors", "Tensors", "TestSupport", system,
      ], swiftSettings: swiftSettings),
    tests("AdapterAlgebra", "Adapters", "Checkpoints", "JSON", "Safetensors", "Tensors"),
    tests("Compression", "Safetensors", "Tensors"),
    tests(
      "Conversion", "Adapters", "Checkpoints", "Compression", "GGUF", "Hashing", "JSON",
      "Safetensors", "Tensors"),
    tests("GGUF", "Failures", "JSON", "Safetensors", "Tensors"),
    tests("Compute"),
    .target(
      name: "ModelTestSupport",
      dependencies: [
        "Compute", "DiffusionTransformers", "JSON", "ModelLoading", "Safetensors", "TestSupport",
        system,
      ],
      path: "Tests/ModelTestSupport", swiftSettings: swiftSettings),
    tests("DiffusionTransformers", "Compute", "ModelTestSupport", "Safetensors"),
    tests("Hashing"),
    tests(
      "Inspection", "glance-inspect", "Adapters", "Checkpoints", "JSON", "Safetensors", "Tensors"),
    tests("JSON"),
    tests(
      "Merging", "AdapterAlgebra", "Adapters", "Checkpoints", "Conversion", "GGUF", "Hashing",
      "JSON", "Safetensors", "Tensors"),
    tests("ModelLoading", "Compute", "Safetensors"),
    tests("Pictures", "JSON", "Safetensors"),
    tests(
      "Pipelines", "Autoencoders", "Compute", "DiffusionTransformers", "JSON", "Safetensors",
      "Schedules"),
    tests(
      "Drawing", "Adapters", "Compute", "DiffusionTransformers", "Pictures", "Pipelines",
      "Safetensors", "Sampling", "Schedules", "Tensors"),
    tests("Reports"),
    tests("Tensors", "CKernels", "Safetensors"),
    tests("TextEncoders", "Compute", "JSON", "ModelLoading", "Safetensors"),
    tests("Tokenizers", "Failures", "JSON", "Safetensors"),
    tests(
      "ExpertTraining", "Checkpoints", "Compute", "DiffusionTransformers", "Failures", "JSON",
      "Pipelines",
      "Safetensors", "Schedules", "Tensors", "Training"),
    tests("Training", "Compute", "DiffusionTransformers", "JSON", "ModelTestSupport"),
    tests(
      "Sampling", "Adapters", "Compute", "DiffusionTransformers", "ModelTestSupport", "Schedules"),
    tests("Safetensors"),
    tests("Schedules", "Failures", "JSON", "Safetensors"),
    tests("Adapters", "Checkpoints", "JSON", "Safetensors", "Tensors"),
    tests("Checkpoints", "synthesize-checkpoint", "Formats", "JSON", "Safetensors", "Tensors"),
  ],
  cLanguageStandard: .c2x
)

// With FUZZ in the environment, as `tools/fuzz` sets it: a libFuzzer program for each folder here.
if Context.environment["FUZZ"] != nil {
  /// What is fed with made-up input, and the libraries that it calls.
  let fuzzTargets: [(name: String, dependencies: [Target.Dependency])] = [
    ("header", ["JSON", "Safetensors", "Tensors"]),
    ("index", ["Safetensors"]),
    ("json", ["Checkpoints", "JSON", "Safetensors", "Tensors"]),
    ("picture", ["MemoryFiles", "Pictures"]),
    ("adapter-names", ["Adapters", "Checkpoints", "Safetensors"]),
    ("gguf", ["GGUF", "MemoryFiles", "Safetensors", "Tensors"]),
    ("packed", ["Compression", "Safetensors", "Tensors"]),
    ("terminal", ["CommandSupport"]),
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
      name: "header-probe", dependencies: ["MemoryFiles", "Safetensors", "Tensors", system],
      path: "tools/header-probe", swiftSettings: swiftSettings),
  ]
  package.targets += fuzzTargets.map { name, dependencies in
    .executableTarget(
      name: "fuzz-" + name, dependencies: dependencies + ["FuzzSupport", system],
      path: "tools/fuzzing/" + name, swiftSettings: swiftSettings)
  }
}
