#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "hpcore/optimizer.hpp"
#include "hpcore/view.hpp"

// The bytes of a saved search: words of eight bytes, the least significant first.
namespace hpcore::saved {

// Fowler, Noll & Vo's hash 1a.
class Hash {
  public:
    void add(std::span<const std::uint8_t> bytes) {
        for (const std::uint8_t byte : bytes) state_ = (state_ ^ byte) * 0x0000'0100'0000'01b3;
    }
    void add(std::uint64_t word) {
        for (unsigned shift = 0; shift < 64; shift += 8) add(std::array{static_cast<std::uint8_t>(word >> shift)});
    }
    void add(double x) { add(std::bit_cast<std::uint64_t>(x)); }
    std::uint64_t value() const { return state_; }

  private:
    std::uint64_t state_ = 0xcbf2'9ce4'8422'2325;
};

class Writer {
  public:
    explicit Writer(std::size_t size) { bytes_.reserve(size); }

    void write(std::uint64_t word) {
        for (unsigned shift = 0; shift < 64; shift += 8) bytes_.push_back(static_cast<std::uint8_t>(word >> shift));
    }
    void write(double x) { write(std::bit_cast<std::uint64_t>(x)); }
    void write(Column numbers) {
        for (const double x : numbers) write(x);
    }
    // A column that no trial has anything in counts as NaN.
    void write(Rows rows, std::size_t i, std::size_t width) {
        for (std::size_t k = 0; k < width; ++k)
            write(rows.empty() ? std::numeric_limits<double>::quiet_NaN() : rows(i, k));
    }
    std::vector<std::uint8_t> finish() {
        Hash hash;
        hash.add(bytes_);
        write(hash.value());
        return std::move(bytes_);
    }

  private:
    std::vector<std::uint8_t> bytes_;
};

class Reader {
  public:
    explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    std::size_t words_left() const { return bytes_.size() / 8; }
    std::uint64_t word() {
        if (bytes_.size() < 8) throw Damaged("the saved search ends too early");
        std::uint64_t word = 0;
        for (unsigned i = 0; i < 8; ++i) word |= std::uint64_t{bytes_[i]} << (8 * i);
        bytes_ = bytes_.subspan(8);
        return word;
    }
    double number() { return std::bit_cast<double>(word()); }
    void read(MutableColumn numbers) {
        for (double& x : numbers) x = number();
    }
    // A number of things that are `words` long each, which must be there.
    std::size_t count(std::size_t words) {
        const std::uint64_t n = word();
        if (n > words_left() / std::max<std::size_t>(words, 1)) throw Damaged("the saved search ends too early");
        return static_cast<std::size_t>(n);
    }

  private:
    std::span<const std::uint8_t> bytes_;
};

}  // namespace hpcore::saved
