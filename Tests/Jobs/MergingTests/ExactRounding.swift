import Elements

/// What a floating type can hold, for rounding to it straight from double precision.
struct FloatingFormat {
  let mantissaBits: Int
  let leastExponent: Int
  let largest: Double

  init(_ dtype: DType) {
    switch dtype {
    case .bf16: (mantissaBits, leastExponent, largest) = (7, -126, 3.3895313892515355e38)
    case .f16: (mantissaBits, leastExponent, largest) = (10, -14, 65504)
    case .f8E4M3: (mantissaBits, leastExponent, largest) = (3, -6, 448)
    case .f8E5M2: (mantissaBits, leastExponent, largest) = (2, -14, 57344)
    default: (mantissaBits, leastExponent, largest) = (23, -126, 3.4028234663852886e38)
    }
  }

  /// Distance between the numbers around a value.
  func step(at value: Double) -> Double {
    let exponent = value == 0 ? leastExponent : max(Int(value.exponent), leastExponent)
    return Double(sign: .plus, exponent: exponent - mantissaBits, significand: 1)
  }

  /// The nearest number, of two equally near ones the even one.
  func rounded(_ value: Double) -> Double {
    let step = step(at: value)
    // Exact but for the rounding itself: a step is a power of two.
    let nearest = (value / step).rounded(.toNearestOrEven) * step
    return min(max(nearest, -largest), largest)
  }
}

/// How values compare with the correctly rounded ones.
struct RoundingTally {
  private(set) var count = 0
  private(set) var exact = 0
  /// Most steps between a value and the correctly rounded one.
  private(set) var worst = 0.0

  mutating func add(_ found: Float, exact sum: Double, _ format: FloatingFormat) {
    let expected = format.rounded(sum)
    count += 1
    if Double(found) == expected {
      exact += 1
    } else {
      worst = max(worst, abs(Double(found) - expected) / format.step(at: sum))
    }
  }

  /// Correct but for the neighbour in one of a thousand: sums pass float32 on their way.
  var isCorrect: Bool { count > 0 && Double(exact) >= 0.999 * Double(count) && worst <= 1 }
}
