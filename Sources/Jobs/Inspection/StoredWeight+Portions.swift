internal import Elements
internal import Tensors

/// Reading parameters in portions of fixed size, several at a time, so that memory stays bounded and
/// what comes out doesn't depend on the number of threads.
extension StoredWeight {
  /// Bytes of the elements as tensors give them.
  var byteCount: Int {
    pieces.reduce(0) { $0 + $1.tensor.dtype.byteCount(elements: $1.elements.count) }
  }

  /// How each piece becomes numbers; nil when one isn't read.
  var decodings: [NumberDecoding]? {
    let decodings = pieces.compactMap(\.decoding)
    return decodings.count == pieces.count ? decodings : nil
  }

  /// All elements, cut where pieces end and after so many.
  func portions(ofElements size: Int) -> [TensorPiece] {
    pieces.flatMap { piece in
      stride(from: 0, to: piece.elements.count, by: size).map { start in
        piece.part(start..<min(piece.elements.count, start + size))
      }
    }
  }

  /// The same elements of this and another parameter of as many, cut where pieces of either end and
  /// after so many.
  func portions(
    with other: StoredWeight, ofElements size: Int
  ) -> [(left: TensorPiece, right: TensorPiece)] {
    var portions: [(left: TensorPiece, right: TensorPiece)] = []
    var first = 0
    for piece in pieces {
      let place = first..<first + piece.elements.count
      for (match, range, position) in other.pieces.overlapping(place) {
        let matchStart = range.lowerBound - match.elements.lowerBound
        for start in stride(from: 0, to: range.count, by: size) {
          let count = min(size, range.count - start)
          portions.append(
            (
              piece.part(position + start..<position + start + count),
              match.part(matchStart + start..<matchStart + start + count)
            ))
        }
      }
      first = place.upperBound
    }
    return portions
  }
}

extension TensorPiece {
  /// How the bytes of ``withStoredBytes(_:)`` become numbers; nil when they aren't read.
  var decoding: NumberDecoding? {
    NumberDecoding(storedEncoding, scale: scale?.from(elements.lowerBound))
  }
}
