internal import Concurrency
package import Containers
package import Elements
internal import Synchronization
package import Tensors

/// What makes the bytes of an output's tensors, any part of any of them, from several threads at
/// once. What comes out depends on nothing but the plan: not on threads, portions or order.
package protocol TensorMaker: Sendable {
  /// The tensors, in the order of the output.
  var tensors: [PlannedTensor] { get }

  /// Makes the bytes of some elements.
  ///
  /// - Parameters:
  ///   - elements: at most ``TensorPortions/size``; whole blocks for a tensor that is stored in
  ///     blocks; they begin at a multiple of ``feedbackRunLength``.
  ///   - index: which of ``tensors``.
  ///   - output: their bytes.
  /// - Returns: what rounding them lost.
  /// - Throws: when an input can't be read.
  func make(
    _ elements: Range<Int>, of index: Int, into output: inout MutableRawSpan
  ) throws -> CastLoss

  /// The only input that has the bytes of some elements as they are; nil when they have to be made.
  func bytesInPlace(
    _ elements: Range<Int>, of index: Int
  ) -> (tensor: TensorView, range: Range<Int>)?

  /// Told of every portion after it was written, while what it was made of is at hand.
  func wrote(_ elements: Range<Int>, of index: Int) throws
}

extension TensorMaker {
  package func wrote(_ elements: Range<Int>, of index: Int) throws {}
}

/// What happens between an output's last byte and its appearance.
package struct Completion {
  /// Bytes by which the header may grow.
  package let headerReserve: Int
  /// Answers the metadata to write instead of the planned ones, or nil; may throw to give the output
  /// up. Outputs that can't change theirs any more, compressed ones and GGUF, keep the planned ones.
  package let metadata: () throws -> Metadata?

  /// Nothing happens.
  package static var nothing: Completion { Completion { nil } }

  /// A completion with space for metadata that are known last.
  package init(
    headerReserve: Int = 0, metadata: @escaping () throws -> Metadata?
  ) {
    self.headerReserve = headerReserve
    self.metadata = metadata
  }
}

/// How the work on an output is divided.
package enum TensorPortions {
  /// Elements that are worked on at a time; a multiple of every block of GGUF and of
  /// ``feedbackRunLength``.
  package static let size = 1 << 20

  /// Elements whose values are at hand at a time, so that they stay in the cache from one step to the
  /// next; a multiple of the same numbers.
  package static let runLength = 1 << 15

  /// The runs of a range that begins at a multiple of their length.
  package static func runs(of range: Range<Int>) -> [Range<Int>] {
    stride(from: range.lowerBound, to: range.upperBound, by: runLength).map {
      $0..<min(range.upperBound, $0 + runLength)
    }
  }

  /// The portions of a range.
  static func portions(of range: Range<Int>) -> [Range<Int>] {
    stride(from: range.lowerBound, to: range.upperBound, by: size).map {
      $0..<min(range.upperBound, $0 + size)
    }
  }
}

extension TensorMaker {
  /// Makes every tensor and writes it, on all threads, and commits.
  ///
  /// - Parameters:
  ///   - sink: where the bytes go.
  ///   - progress: called with bytes that were written, from any thread; may throw to stop.
  ///   - completion: what happens when all is written, before it is committed.
  /// - Returns: what rounding lost, tensor by tensor.
  /// - Throws: what can't be read or written, or what a closure throws; then nothing is committed.
  package func write(
    to sink: TensorSink, progress: @escaping @Sendable (Int) throws -> Void,
    completion: Completion = .nothing
  ) throws -> [CastLoss] {
    let companions = Dictionary(
      grouping: tensors.indices.filter { tensors[$0].scaledTensor != nil },
      by: { tensors[$0].scaledTensor })
    let units = spread(
      tensors.indices.flatMap { index in
        tensors[index].scaledTensor == nil ? self.units(of: index, companions[index] ?? []) : []
      })
    let losses = Mutex(Array(repeating: CastLoss(), count: tensors.count))
    let buffers = Pool<[UInt8]> { Array(repeating: 0, count: TensorPortions.size * 8) }
    try Parallel.forEachThrowing(units.count, work: .max) { number in
      let unit = units[number]
      for tensor in [unit.tensor] + unit.companions {
        let elements = tensor == unit.tensor ? unit.elements : 0..<tensors[tensor].elementCount
        for portion in TensorPortions.portions(of: elements) {
          let loss = try write(portion, of: tensor, to: sink, buffers, progress)
          losses.withLock { $0[tensor] += loss }
        }
      }
    }
    if let metadata = try completion.metadata() { try sink.replaceMetadata?(metadata) }
    try sink.commit()
    return losses.withLock { $0 }
  }

  /// What one thread does at a stretch. A tensor with scales, which take a pass over all of it, is
  /// not divided, and the tensors that hold them come with it: threads that share it would wait for each other.
  private func units(of index: Int, _ companions: [Int]) -> [Unit] {
    let whole = 0..<tensors[index].elementCount
    let isWhole = !companions.isEmpty || tensors[index].encoding?.hasScales == true
    if isWhole { return [Unit(tensor: index, elements: whole, companions: companions)] }
    return TensorPortions.portions(of: whole).map {
      Unit(tensor: index, elements: $0, companions: [])
    }
  }

  /// The units in an order in which those that are copied and those that are made take turns: a file
  /// is written by one thread at a time, while the others make what comes next.
  private func spread(_ units: [Unit]) -> [Unit] {
    var copied: [Unit] = []
    var made: [Unit] = []
    for unit in units {
      if bytesInPlace(unit.elements, of: unit.tensor) != nil {
        copied.append(unit)
      } else {
        made.append(unit)
      }
    }
    var order: [Unit] = []
    order.reserveCapacity(units.count)
    var next = 0
    for (number, unit) in copied.enumerated() {
      let end = (number + 1) * made.count / copied.count
      order += made[next..<end]
      order.append(unit)
      next = end
    }
    return order + made[next...]
  }

  private func write(
    _ portion: Range<Int>, of index: Int, to sink: TensorSink, _ buffers: Pool<[UInt8]>,
    _ progress: (Int) throws -> Void
  ) throws -> CastLoss {
    let offset = tensors[index].byteCount(elements: portion.lowerBound)
    let count = tensors[index].byteCount(elements: portion.count)
    var loss = CastLoss()
    if let (tensor, range) = bytesInPlace(portion, of: index) {
      try tensor.withBytes(range) { try sink.write($0, index, offset) }
    } else {
      try buffers.withItem { buffer in
        var span = buffer.mutableSpan
        let whole = unsafe span.mutableBytes
        var output = whole._consumingExtracting(0..<count)
        loss = try make(portion, of: index, into: &output)
        try sink.write(output.bytes, index, offset)
      }
    }
    try wrote(portion, of: index)
    try progress(count)
    return loss
  }
}

/// Elements of a tensor that one thread takes at a stretch.
private struct Unit {
  let tensor: Int
  let elements: Range<Int>
  /// Tensors of its scales or factors, which are made after it.
  let companions: [Int]
}
