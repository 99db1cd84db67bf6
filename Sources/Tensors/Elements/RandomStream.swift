internal import CKernels

#if canImport(Glibc)
  internal import Glibc
#endif

/// Random numbers that depend on nothing but their key: (seed, purpose, step) name a stream, and a
/// position in it names a number. Resuming a run needs no hidden state.
///
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC'11),
/// Philox-4x32 with 10 rounds.
public struct RandomStream: Sendable {
  /// What a stream is for; streams of different purposes are independent.
  public enum Purpose: UInt32, Sendable {
    /// The latent that sampling starts from.
    case initialLatent = 1
    /// The noise of a training item.
    case trainingNoise = 2
    /// The first values of an adapter's down factors.
    case adapterInitialisation = 3
    /// Which timestep a training step visits.
    case timestepOrder = 4
    /// Which captions are dropped.
    case captionDropout = 5
    /// Which sample a training step takes.
    case sampleOrder = 6
    /// The draw from the VAE's posterior.
    case posterior = 7
    /// Stochastic rounding.
    case rounding = 8
    /// The noise of losses that are compared over a run.
    case validationNoise = 10
    /// Inputs made up by tests and benchmarks.
    case test = 9
    /// Prompts and seeds that are drawn anew to tell how sure a figure is.
    case resampling = 24
    /// The directions in which an extraction first looks.
    case rangeFinding = 11
    /// Where the teacher's own walks begin.
    case trajectoryNoise = 12
    /// The noise that a sampler's step goes back under.
    case renoising = 13
  }

  private let key: SIMD2<UInt32>
  private let purpose: UInt32
  private let step: UInt32

  /// The stream of a seed, a purpose and a step.
  public init(seed: UInt64, purpose: Purpose, step: UInt32 = 0) {
    key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    self.purpose = purpose.rawValue
    self.step = step
  }

  /// Four independent 32-bit words at a position of the stream.
  public func words(at position: UInt64) -> SIMD4<UInt32> {
    var counter = SIMD4(
      UInt32(truncatingIfNeeded: position), UInt32(truncatingIfNeeded: position >> 32),
      step, purpose)
    var key = key
    for _ in 0..<10 {
      let (high0, low0) = counter.x.multipliedFullWidth(by: 0xD251_1F53)
      let (high1, low1) = counter.z.multipliedFullWidth(by: 0xCD9E_8D57)
      counter = SIMD4(high1 ^ counter.y ^ key.x, low1, high0 ^ counter.w ^ key.y, low0)
      key &+= SIMD2(0x9E37_79B9, 0xBB67_AE85)
    }
    return counter
  }

  /// The words of many positions, which a kernel makes: four each, as ``words(at:)`` has them.
  func fill(_ output: inout [UInt32], firstBlock: UInt64, blockCount: Int) {
    precondition(output.count >= 4 * blockCount, "four words a position")
    let seed = UInt64(key.y) << 32 | UInt64(key.x)
    unsafe ck_random_words(seed, purpose, step, firstBlock, &output, blockCount)
  }

  /// A number in [0, 1) with 53 random bits.
  public func uniform(at position: UInt64) -> Double {
    let words = words(at: position)
    let bits = (UInt64(words.x) << 32 | UInt64(words.y)) >> 11
    return Double(bits) * 0x1p-53
  }

  /// An integer in `0..<bound`, without bias.
  public func integer(below bound: Int, at position: UInt64) -> Int {
    precondition(bound > 0 && bound <= Int(UInt32.max), "bound must be in 1...2^32-1")
    // 64 random bits times a bound below 2^32: the bias is under 2^-32, far below any use here.
    let words = words(at: position)
    let bits = UInt64(words.x) << 32 | UInt64(words.y)
    return Int(bits.multipliedFullWidth(by: UInt64(bound)).high)
  }
}

extension RandomStream {
  /// Numbers from the standard normal distribution, positions 0 up to `count`.
  ///
  /// Source: Box and Muller, "A note on the generation of random normal deviates" (1958); in
  /// double precision, rounded once.
  public func normals(count: Int) -> [Float] {
    var values: [Float] = []
    values.reserveCapacity(count + 1)
    var position: UInt64 = 0
    while values.count < count {
      let words = words(at: position)
      // In (0, 1], so that the logarithm is finite.
      let u = (Double(UInt64(words.x) << 32 | UInt64(words.y)) + 1) * 0x1p-64
      let v = Double(UInt64(words.z) << 32 | UInt64(words.w)) * 0x1p-64
      let radius = (-2 * log(u)).squareRoot()
      values.append(Float(radius * cos(2 * .pi * v)))
      values.append(Float(radius * sin(2 * .pi * v)))
      position += 1
    }
    if values.count > count { values.removeLast() }
    return values
  }
}
