internal import Compression
internal import Elements
internal import Safetensors
internal import SystemPackage
internal import Tensors

#if canImport(Glibc)
  internal import Glibc
#endif

/// Prints how much compression saves and how fast it is, on weights drawn from a normal
/// distribution.
///
/// `compression-benchmark levels` compares ways to use zstd, on which the choices in
/// `formats/compressed.md` rest; `compression-benchmark files FOLDER MEGABYTES` times whole files;
/// `compression-benchmark pack FILE OUTPUT [BASE]` compresses one, for `tools/check-compressed`.
@main
struct CompressionBenchmark {
  static func main() throws {
    let words = Array(CommandLine.arguments.dropFirst())
    switch (words.first, words.count) {
    case ("levels", 1): LevelTable.print()
    case ("pack", 3), ("pack", 4):
      let base = try words.dropFirst(3).first.map {
        (source: try TensorSource(opening: FilePath($0)), name: $0)
      }
      try SafetensorsFile(opening: FilePath(words[1])).compress(
        to: FilePath(words[2]), base: base,
        overwrite: false)
    case ("files", 3):
      guard let megabytes = Int(words[2]) else { fallthrough }
      try FileTimes(folder: FilePath(words[1]), megabytes: megabytes).print()
    default:
      print(
        "usage: compression-benchmark levels | files FOLDER MEGABYTES | pack FILE OUTPUT [BASE]")
      exit(64)
    }
  }
}

/// Normal bfloat16 numbers with standard deviation 0.02, the size of trained weights.
func normalWeights(byteCount: Int, seed: UInt64) -> [UInt8] {
  var random = SplitMix(state: seed)
  var bytes = [UInt8](repeating: 0, count: byteCount)
  for place in stride(from: 0, to: byteCount - 3, by: 4) {
    // Source: Box and Muller, "A note on the generation of random normal deviates" (1958).
    let radius = 0.02 * (-2 * log(random.unit())).squareRoot()
    let angle = 2 * Double.pi * random.unit()
    for (index, value) in [radius * cos(angle), radius * sin(angle)].enumerated() {
      let pattern = BFloat16(Float(value)).bitPattern
      bytes[place + 2 * index] = UInt8(truncatingIfNeeded: pattern)
      bytes[place + 2 * index + 1] = UInt8(pattern >> 8)
    }
  }
  return bytes
}

/// Numbers that depend on the seed alone.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (OOPSLA'14).
struct SplitMix {
  var state: UInt64

  /// Over 0 and up to 1.
  mutating func unit() -> Double {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return Double((word ^ (word >> 31)) >> 11 + 1) * 0x1p-53
  }
}

/// Runs a body and says how many seconds it took.
func seconds(_ body: () throws -> Void) rethrows -> Double {
  let clock = ContinuousClock()
  let duration = try clock.measure { try body() }.components
  return Double(duration.seconds) + Double(duration.attoseconds) * 1e-18
}

/// A number with a few digits behind the point.
func text(_ value: Double, digits: Int, width: Int) -> String {
  var scale = 1.0
  for _ in 0..<digits { scale *= 10 }
  let scaled = Int((value * scale).rounded())
  var text = String(scaled / Int(scale))
  if digits > 0 {
    let rest = String(scaled % Int(scale))
    text += "." + String(repeating: "0", count: digits - rest.count) + rest
  }
  return String(repeating: " ", count: max(0, width - text.count)) + text
}
