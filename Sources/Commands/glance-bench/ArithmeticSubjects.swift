internal import ArgumentParser
internal import Benchmarking
internal import Compute
internal import OptionGroups

/// What is computed.
struct ArithmeticSubjects: ParsableArguments {
  @Option(help: "float32 or bfloat16, as of the other commands (default: both).")
  var precision: ProductPrecision?

  @Option(
    help: ArgumentHelp(
      """
      Kernels of products and attention that are timed, one after the other: some of amx, avx512-bf16, avx512, avx2 and \
      openblas, which is the other commands' --blas and in float32 only (default: the best that the processor has).
      """, valueName: "name,…"),
    transform: {
      try $0.split(separator: ",", omittingEmptySubsequences: false).map {
        try TimedKernels(parsing: $0)
      }
    })
  var kernels: [TimedKernels]?

  @Option(
    help: ArgumentHelp(
      "Rows of a product (default: 256,768,1536,4608).", valueName: "n,n…"),
    transform: { try numbers($0, in: 1...1_000_000) })
  var rows: [Int]?

  @Option(
    help: ArgumentHelp(
      "Outputs and inputs of a product's weight (default: the five of FLUX.1).",
      valueName: "nxn,…"),
    transform: { try pairs($0, in: 1...100_000).map { ProductShape(outputs: $0.0, inputs: $0.1) } })
  var shapes: [ProductShape]?

  @Option(
    help: ArgumentHelp(
      "Tokens of attention (default: 768,4608), or a picture's of step and sample (default: 256).",
      valueName: "n,n…"),
    transform: { try numbers($0, in: 1...1_000_000) })
  var tokens: [Int]?

  @Option(help: "Heads of attention, of 128 channels each (default: 24).")
  var heads: Int?

  @Option(
    help: ArgumentHelp(
      "Channels and side of convolutions' maps (default: 512x128,256x512,128x1024).",
      valueName: "nxn,…"),
    transform: {
      try pairs($0, in: 1...16384).map { ConvolutionBenchmark.Map(channels: $0.0, side: $0.1) }
    })
  var maps: [ConvolutionBenchmark.Map]?

  @Option(
    help: ArgumentHelp(
      "Sides of the pictures that convolution decodes with --model (default: 1024).",
      valueName: "n,n…"),
    transform: { text in
      let sides = try numbers(text, in: 16...8192)
      guard sides.allSatisfy({ $0.isMultiple(of: 16) }) else {
        throw ValidationError("expected multiples of 16")
      }
      return sides
    })
  var sides: [Int]?

  mutating func validate() throws {
    if precision == .bfloat16, kernels?.contains(.openBLAS) == true {
      throw ValidationError("--kernels openblas computes in float32; leave --precision out.")
    }
    if let kernels, let twice = kernels.first(where: { one in kernels.count { $0 == one } > 1 }) {
      throw ValidationError("--kernels: \(twice.rawValue) stands there twice")
    }
    if let heads, !(1...1024 ~= heads) {
      throw ValidationError("--heads: expected 1 to 1024, found \(heads)")
    }
  }

  /// Refuses what has no meaning for a model's autoencoder, or none without one.
  func checkConvolution(hasModel: Bool) throws {
    if hasModel, maps != nil || precision != nil {
      let option = maps != nil ? "--maps" : "--precision"
      throw ValidationError(
        "\(option) is for made-up weights; a --model's autoencoder has its own maps, in float32.")
    }
    if !hasModel, sides != nil { throw ValidationError("--sides needs a --model.") }
  }

  /// How products are computed: on all kernels that were asked for, in the precisions that were.
  var products: [TimedProducts] {
    let precisions = precision.map { [$0] } ?? ProductPrecision.allCases
    guard let kernels else {
      return precisions.map { TimedProducts(ProductSettings(precision: $0)) }
    }
    return kernels.flatMap { kernels in
      precisions.compactMap(kernels.products).map { TimedProducts($0, kernels: kernels.rawValue) }
    }
  }

  /// Every option, whether it was given, and what it is for.
  var given: [(name: String, isGiven: Bool, subjects: [Bench.Subject])] {
    [
      ("--precision", precision != nil, [.gemm, .attention, .convolution, .step, .sample]),
      ("--kernels", kernels != nil, [.gemm, .attention, .step, .sample]),
      ("--rows", rows != nil, [.gemm]), ("--shapes", shapes != nil, [.gemm]),
      ("--tokens", tokens != nil, [.attention, .step, .sample]),
      ("--heads", heads != nil, [.attention]), ("--maps", maps != nil, [.convolution]),
      ("--sides", sides != nil, [.convolution]),
    ]
  }
}

/// `256,768`.
func numbers(_ text: String, in range: ClosedRange<Int>) throws -> [Int] {
  let parts = text.split(separator: ",", omittingEmptySubsequences: false)
  let numbers = parts.compactMap { Int($0) }.filter(range.contains)
  guard numbers.count == parts.count else {
    throw ValidationError(
      "expected numbers from \(range.lowerBound) to \(range.upperBound) with commas between")
  }
  return numbers
}

/// `3072x3072,9216x3072`.
private func pairs(_ text: String, in range: ClosedRange<Int>) throws -> [(Int, Int)] {
  try text.split(separator: ",", omittingEmptySubsequences: false).map { pair in
    let sides = pair.split(separator: "x", omittingEmptySubsequences: false)
      .compactMap { Int($0) }.filter(range.contains)
    guard sides.count == 2, pair.count(where: { $0 == "x" }) == 1 else {
      throw ValidationError(
        "expected pairs such as 512x128 with commas between, of numbers from \(range.lowerBound) "
          + "to \(range.upperBound)")
    }
    return (sides[0], sides[1])
  }
}
