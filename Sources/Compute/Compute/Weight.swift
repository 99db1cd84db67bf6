public import Concurrency
public import Elements
public import Tensors

/// A matrix of weights in its file's dtype: widened panel by panel inside products, never whole.
public struct Weight: Sendable {
  /// The tensor, seen as `[rows, columns]`; further axes are folded into the columns.
  public let view: TensorView
  /// Output features.
  public let rows: Int
  /// Input features.
  public let columns: Int

  /// A weight of a dtype with `isWidenable` and at least one axis; both are the caller's to check.
  public init(_ view: TensorView) {
    precondition(view.dtype.isWidenable && !view.shape.isEmpty, "a weight must be a float matrix")
    self.view = view
    rows = view.shape[0]
    columns = view.shape.dropFirst().elementCount
  }

  /// A weight in memory `[rows, columns]`.
  public init(_ tensor: Tensor) {
    self.init(TensorView(name: "", shape: tensor.shape, tensor.elements))
  }

  /// Runs the body with a block of the matrix as float32: in place when the file holds float32,
  /// else widened into scratch memory.
  func withBlock(rows: Range<Int>, columns: Range<Int>, _ body: (MatrixView) -> Void) {
    let elementBytes = view.dtype.bitCount / 8
    let bytes = view.bytes
    if view.dtype == .f32 {
      let isAligned = unsafe bytes.withUnsafeBytes { Int(bitPattern: $0.baseAddress) % 4 == 0 }
      if isAligned {
        return unsafe bytes.withUnsafeBytes { raw in
          guard let base = raw.baseAddress else { return }
          let start = unsafe base.assumingMemoryBound(to: Float.self)
          unsafe body(
            MatrixView(
              start: start + rows.lowerBound * self.columns + columns.lowerBound,
              stride: self.columns))
        }
      }
    }
    unsafe Scratch.withFloats(rows.count * columns.count) { scratch in
      let isWhole = columns.count == self.columns
      // Whole rows follow each other in the file and widen in one go.
      let pieces = isWhole ? 1 : rows.count
      let pieceCount = isWhole ? rows.count * columns.count : columns.count
      for piece in 0..<pieces {
        let first = (rows.lowerBound + piece) * self.columns + columns.lowerBound
        let slice = bytes.extracting(
          first * elementBytes..<(first + pieceCount) * elementBytes)
        var target = unsafe MutableSpan(
          _unsafeStart: scratch + piece * pieceCount, count: pieceCount)
        widen(slice, from: view.dtype, into: &target)
      }
      unsafe body(MatrixView(start: scratch, stride: columns.count))
    }
  }
}

/// x · wᵀ, PyTorch's `nn.Linear` without bias.
///
/// - Parameters:
///   - x: activations `[tokens, inFeatures]`.
///   - w: weight `[outFeatures, inFeatures]`.
/// - Returns: `[tokens, outFeatures]`.
public func product(_ x: Tensor, transposed w: Weight) -> Tensor {
  let (m, n, k) = (x.rows, w.rows, w.columns)
  precondition(x.columns == k, "x must have the weight's input features")
  return unsafe Tensor(shape: [m, n]) { y in
    unsafe x.elements.withUnsafeBufferPointer { x in
      guard let xStart = x.baseAddress, let yStart = y.baseAddress else {
        return unsafe y.initialize(repeating: 0)
      }
      ProductMeter.measure(m: m, n: n, k: k) {
        Parallel.forEachRange(of: n, size: panelSize(n), work: 2 * m * n * k) { panel in
          unsafe w.withBlock(rows: panel, columns: 0..<k) { block in
            unsafe multiplyOnOneThread(
              m: m, n: panel.count, k: k, MatrixView(start: xStart, stride: k), transposeA: false,
              block, transposeB: true,
              into: MutableMatrixView(start: yStart + panel.lowerBound, stride: n))
          }
        }
      }
    }
  }
}

/// dy · w: what reaches the input of a linear layer.
///
/// - Parameters:
///   - dy: gradient of the output `[tokens, outFeatures]`.
///   - w: weight `[outFeatures, inFeatures]`.
/// - Returns: gradient of the input `[tokens, inFeatures]`.
public func product(_ dy: Tensor, _ w: Weight) -> Tensor {
  let (m, n, k) = (dy.rows, w.rows, w.columns)
  precondition(dy.columns == n, "dy must have the weight's output features")
  return unsafe Tensor(shape: [m, k]) { dx in
    unsafe dy.elements.withUnsafeBufferPointer { dy in
      guard let dyStart = dy.baseAddress, let dxStart = dx.baseAddress else {
        return unsafe dx.initialize(repeating: 0)
      }
      ProductMeter.measure(m: m, n: k, k: n) {
        Parallel.forEachRange(of: k, size: panelSize(k), work: 2 * m * n * k) { panel in
          // The sum over output features goes in fixed portions too, to bound the scratch memory.
          for first in stride(from: 0, to: n, by: 1024) {
            let portion = first..<min(n, first + 1024)
            unsafe w.withBlock(rows: portion, columns: panel) { block in
              unsafe multiplyOnOneThread(
                m: m, n: panel.count, k: portion.count,
                MatrixView(start: dyStart + first, stride: n), transposeA: false,
                block, transposeB: false, accumulate: first > 0,
                into: MutableMatrixView(start: dxStart + panel.lowerBound, stride: k))
            }
          }
        }
      }
    }
  }
}
