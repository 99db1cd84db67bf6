internal import ArgumentParser
internal import Benchmarking
package import CommandSupport
internal import Compute
internal import Concurrency
internal import JSON
internal import OptionGroups
internal import SystemPackage
internal import TorchCompute

/// What `glance-bench` runs.
package var benchCommand: any Tool.Type { Bench.self }

struct Bench: ToolCommand {
  static let configuration = CommandConfiguration(
    tool: "glance-bench",
    abstract: "Time what the other commands do, against a rival or a limit in the same run.",
    discussion: """
      Everything is timed in turns with what it is held against, and medians and ratios are printed. \
      Arithmetic is held against OpenBLAS or the rate of a product alone, in operations a second of \
      computing; files against cp, and glance-inspect against head, in seconds that pass. A loop of a \
      millisecond before and after each run tells whether somebody else used the processor; such a run \
      is repeated, and a row that never was quiet has a question mark. With --python arithmetic, steps and a \
      model's decoding are held against PyTorch's too, with --kernels other kernels are timed than the best \
      that the processor has. docs/performance.md tells more.
      """,
    examples: [
      ("Products with weights, both directions and precisions", "glance-bench gemm"),
      ("One number of rows, in one precision", "glance-bench gemm --rows 768 --precision bfloat16"),
      ("A training step of FLUX.1's width with 1 double and 2 single blocks", "glance-bench step"),
      ("The same against PyTorch's", "glance-bench step --python venv/bin/python"),
      (
        "The same with the kernels of processors without AVX-512",
        "glance-bench step --kernels avx2"
      ),
      (
        "A picture's decoding by a model's autoencoder, against PyTorch's",
        "glance-bench convolution --model FLUX.1-dev --python venv/bin/python --rounds 1"
      ),
      (
        "A forward pass of a model",
        "glance-bench sample --model FLUX.1-dev --tokens 1024,4096 --rounds 1"
      ),
      (
        "A conversion against cp, on the disk of a folder",
        "glance-bench convert --checkpoint flux1-dev.safetensors --layout diffusers --scratch /data"
      ),
    ])

  enum Subject: String, ExpressibleByArgument, CaseIterable {
    case gemm, attention, convolution, step, sample, merge, convert, inspect
  }

  @Argument(
    help: """
      gemm: products with stored weights; attention; convolution: the autoencoder's, with --model a \
      picture's decoding; step: of training; sample: a forward pass; merge, convert, inspect: of a \
      checkpoint.
      """)
  var subject: Subject

  @Option(help: "How often everything is timed (default: 3; of inspect 21).")
  var rounds: Int?

  @OptionGroup(title: "Arithmetic") var arithmetic: ArithmeticSubjects

  @OptionGroup(title: "Steps and passes") var passes: PassSubjects

  @OptionGroup(title: "Rivals") var rivals: RivalSubjects

  @OptionGroup(title: "Files") var files: FileSubjects

  @Flag(help: "Print one JSON object instead of tables.")
  var json = false

  @OptionGroup(title: "Common options") var common: CommonOptions

  mutating func validate() throws {
    if let rounds, !(1...10_000 ~= rounds) {
      throw ValidationError("--rounds: expected 1 to 10000, found \(rounds)")
    }
    for (name, isGiven, subjects) in arithmetic.given + passes.given + rivals.given + files.given
    where isGiven && !subjects.contains(subject) {
      let list = subjects.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("\(name) is for \(list), not for \(subject.rawValue).")
    }
    if rivals.python != nil, passes.model != nil, subject != .convolution {
      throw ValidationError(
        "--python is for made-up weights, not for \(subject.rawValue) of a --model.")
    }
    if subject == .attention, arithmetic.kernels?.contains(.openBLAS) == true {
      throw ValidationError("--kernels openblas is for products with weights, not for attention.")
    }
    if arithmetic.kernels != nil, passes.place.device != .host {
      throw ValidationError("--kernels are the processor's own; leave --device out.")
    }
    if subject == .convolution { try arithmetic.checkConvolution(hasModel: passes.model != nil) }
    try files.check(subject)
  }

  static func prepare() {
    ProductKernels.settle()
    DeviceListing.answerIfAsked()
  }

  func execute() throws {
    Parallel.useThreads(common.threadCount)
    if arithmetic.kernels == nil { Terminal.detail(ProductKernels.account) }
    let hasModel = passes.model != nil
    if rivals.isMissing(for: subject, hasModel: hasModel) {
      Terminal.note("PyTorch isn't timed: --python names a Python that has it")
    }
    let rivals = try rivals.rivals(
      subject == .step ? .adapters : hasModel ? .models : .tensors)
    let benchmark = try benchmark(rivals)
    let products =
      subject == .convolution && hasModel ? [TimedProducts(ProductSettings())] : arithmetic.products
    let machine = Machine(products: products)
    let stopwatch = Stopwatch(
      rounds: rounds ?? (subject == .inspect ? 21 : 3), isGated: !subject.isOfFiles,
      tries: subject.isOfPasses || hasModel ? 1 : 3)
    let comparisons = try benchmark.comparisons(stopwatch) { activity in
      try Interruption.check()
      Terminal.note("timing \(activity)")
    }
    let report = BenchmarkReport(
      benchmark: subject.rawValue, machine: machine, comparisons: comparisons,
      versions: rivals?.versions ?? [])
    guard json else { return try Terminal.output(BenchmarkText(report).text) }
    try Terminal.output(report.json.text(.pretty) + "\n")
  }

  private func benchmark(_ rivals: PythonRivals?) throws -> any Benchmark {
    switch subject {
    case .gemm:
      return ProductBenchmark(
        rowCounts: arithmetic.rows ?? [256, 768, 1536, 4608],
        shapes: arithmetic.shapes ?? ProductShape.flux, products: arithmetic.products,
        rivals: rivals)
    case .attention:
      return AttentionBenchmark(
        tokenCounts: arithmetic.tokens ?? [768, 4608], heads: arithmetic.heads ?? 24,
        products: arithmetic.products, rivals: rivals)
    case .convolution:
      if let model = passes.model {
        return try DecodingBenchmark(
          opening: model, sides: arithmetic.sides ?? [1024], rivals: rivals)
      }
      return ConvolutionBenchmark(
        maps: arithmetic.maps ?? ConvolutionBenchmark.Map.autoencoder,
        products: arithmetic.products, rivals: rivals)
    case .step:
      return StepBenchmark(
        model: try passes.benchmarkModel(), sizes: passes.sizes(arithmetic.tokens),
        rank: passes.rank ?? 16, products: arithmetic.products, rivals: rivals,
        device: try passes.place.opening(threads: common.threadCount))
    case .sample:
      return PassBenchmark(
        model: try passes.benchmarkModel(), sizes: passes.sizes(arithmetic.tokens),
        products: arithmetic.products)
    case .convert:
      return try files.benchmark(.conversion(layout: files.layout, dtype: files.dtype?.dtype))
    case .merge: return try files.benchmark(.merge(files.adapters()))
    case .inspect: return try InspectionBenchmark(of: files.checkpoint ?? "")
    }
  }
}

extension Bench.Subject {
  /// Whether it reads and writes files.
  fileprivate var isOfFiles: Bool { self == .merge || self == .convert || self == .inspect }

  /// Whether a run takes so long that somebody disturbs it most times: it is marked then, not repeated.
  fileprivate var isOfPasses: Bool { self == .step || self == .sample }
}
