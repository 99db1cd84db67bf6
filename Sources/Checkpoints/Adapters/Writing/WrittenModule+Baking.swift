internal import Elements
internal import Tensors

extension WrittenModule {
  /// Whether B is written with its scale in it. Fused modules of different scales have no common one
  /// to leave outside.
  func bakes(_ options: AdapterWritingOptions) -> Bool {
    options.alpha == .bake || commonScale == nil
  }

  /// Whether B's numbers change when it is written.
  func changesUp(_ options: AdapterWritingOptions) -> Bool {
    bakes(options) && present.contains { $0.scale != 1 }
  }

  /// Whether all scales are powers of two, or zero.
  var hasExactScales: Bool {
    present.allSatisfy { abs($0.scale.significand) == 1 || $0.scale == 0 }
  }

  /// The type that B is written as: the one that is asked for, else its own, else F32 where baking
  /// the scale would lose by that.
  func upType(_ options: AdapterWritingOptions) -> DType {
    if let asked = options.dtype { return asked }
    guard changesUp(options), !present.allSatisfy({ upDType.holds($0) }) else { return upDType }
    return .f32
  }
}

extension DType {
  /// Whether a module's B times its scale is as good in this type as B itself.
  ///
  /// Eight-bit types are left at once: their numbers are few. F16 has a narrow range, below which
  /// numbers lose bits and above which there are none: the sum of what rounding changes may be
  /// twice what it is inside that range. The other types have float32's range, or more.
  fileprivate func holds(_ module: AdapterModule) -> Bool {
    switch self {
    case .f8E4M3, .f8E5M2: return false
    case .f16:
      let scale = Float(module.scale)
      let meant = module.up.floats().map { $0 * scale }
      let bytes = module.up.narrowed(to: .f16, times: scale)
      var found = [Float](repeating: 0, count: meant.count)
      var span = found.mutableSpan
      unsafe widen(bytes.span.bytes, from: .f16, into: &span)
      var (lost, whole) = (0.0, 0.0)
      for (before, after) in zip(meant, found) {
        let difference = Double(after) - Double(before)
        lost += difference * difference
        whole += Double(before) * Double(before)
      }
      return lost.isFinite && lost.squareRoot() <= 0x1p-10 * whole.squareRoot()
    default: return true
    }
  }
}
